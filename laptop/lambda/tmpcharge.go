package lambda

// On Lambda /tmp is a disk. Here it is a tmpfs, and a control group is charged for its pages like for
// memory, whichever mount they are in. So the group's limit leaves room for a full /tmp, which then
// ends at its own size, with ENOSPC; and the warden, which can tell the one from the other, ends an
// environment whose memory alone is over its size.
//
// A limit that follows what is in /tmp would come too late: a write of 100 MB takes less time than a
// look. What memory is taken and given back between two looks is not noticed; what is there when the
// function answers is, see respond.

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

// isOver says that the memory of an environment that is charged for its /tmp is more than size, in bytes.
func (b *sandbox) isOver(size int) bool {
	// Twice, for a file that comes and goes meanwhile.
	return b.chargedForTmp() && b.use(size) > size && b.use(size) > size
}

// lookAtCharge takes note of that memory, and says whether it is over the environment's size.
func (e *environment) lookAtCharge(p *process, b *sandbox) (over bool) {
	if !b.chargedForTmp() {
		return false
	}
	size := e.rev.cfg.MemorySize << 20
	used := b.use(min(size, p.knownPeak()))
	p.noteUse(used)
	return used > size && b.isOver(size)
}

// endOutOfMemory kills an environment whose memory is over its size.
func (e *environment) endOutOfMemory(p *process) {
	e.mu.Lock()
	e.outOfMemory = true
	e.mu.Unlock()
	p.kill()
}
