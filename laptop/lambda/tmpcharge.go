package lambda

import "time"

// On Lambda /tmp is a disk. Here it is a tmpfs, and a control group is charged for its pages like for
// memory, whichever mount they are in. So the group's limit leaves room for a full /tmp, which then
// ends at its own size, with ENOSPC; and the warden, which can tell the one from the other, ends an
// environment whose memory alone is over its size.
//
// A limit that follows what is in /tmp would come too late: a write of 100 MB takes less time than a
// look. What memory is taken and given back between two looks is not noticed; what is there when the
// function answers is, see respond.

// quick is how long an invocation may have lasted whose answer goes out without a look, which would take
// a tenth of the time of the quickest ones. To take as much as matters takes longer.
const quick = 2 * time.Millisecond

// room is how many MB a /tmp of size MB may take of memory: a quarter more, for the inodes, the names
// and the ends of pages.
func room(size int) int { return size + size/4 }

// chargedForTmp says that the environment's control group is charged for the pages of its /tmp.
func (b *sandbox) chargedForTmp() bool {
	return b != nil && b.space != nil && (b.group.isLimited() || b.older.limitsMemory())
}

// use is the memory of an environment that is charged for its /tmp, in bytes: what is its processes' own
// and what they share, without the files in /tmp, those that the system keeps at hand and the kernel's
// own memory. Where that cannot be more than enough, the result may be any number up to that; it is -1 if it
// is not known.
func (b *sandbox) use(enough int) int {
	group := interface {
		usage() int
		parts() (own, shared int)
	}(b.older)
	if b.group.isLimited() {
		group = b.group
	}
	if all := group.usage(); all <= enough {
		return min(all, 0)
	}
	// A file that goes away in between must not be taken for memory that is shared.
	stored := b.space.stored()
	own, shared := group.parts()
	if own < 0 {
		return -1
	}
	return own + max(0, shared-max(stored, b.space.stored()))
}

// overMemory takes note of what an environment that is charged for its /tmp has of memory, and says
// whether that is more than size, in bytes.
func (p *process) overMemory(size int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone || !p.box.chargedForTmp() {
		return false
	}
	used := p.box.use(min(size, p.peak))
	p.peak = max(p.peak, used)
	return used > size && p.box.use(size) > size // twice, for a file that comes and goes meanwhile
}

// endOutOfMemory kills an environment whose memory is over its size.
func (e *environment) endOutOfMemory(p *process) {
	e.mu.Lock()
	e.outOfMemory = true
	e.mu.Unlock()
	p.kill()
}
