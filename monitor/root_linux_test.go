package monitor

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// debian is a machine for the boot script: Debian's own packages in a folder, with a mount and a
// process namespace around what runs in it, so that nothing is left of it after the test. In systemctl's
// place it has testdata/systemctl.sh, and the network is this machine's.
type debian struct {
	dir string
	pid string // of the process that holds the namespaces
	env []string
}

// mirror is where the packages come from, and release is the image's that the template names.
const (
	mirror  = "http://deb.debian.org/debian"
	release = "trixie"
	// included is what the root has beside the least that there is.
	included = "ca-certificates,curl,e2fsprogs,gpg,influxdb,jq,nginx,openssl"
)

func newDebian(t *testing.T) *debian {
	t.Helper()
	for program, pack := range map[string]string{"debootstrap": "debootstrap", "gpg": "gpg", "dpkg-deb": "dpkg", "nsenter": "util-linux"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed: apt-get install %s", program, pack)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("a Debian root is made by root alone")
	}
	canMount(t)
	d := &debian{dir: filepath.Join(t.TempDir(), "root")}
	d.unpack(t)
	hold := exec.Command("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "sh", "-ec", `
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/dev"
for n in null zero full random urandom; do touch "$1/dev/$n"; mount --bind /dev/$n "$1/dev/$n"; done
cp -a /dev/loop* "$1/dev/"
ln -s /proc/self/fd "$1/dev/fd"
mkdir -p "$1/dev/disk/by-id"
echo up
# A shell, because who is the first process has to bury all others.
sleep infinity &
wait`, "sh", d.dir)
	hold.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	said, err := hold.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	hold.Stderr = os.Stderr
	if err := hold.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		hold.Process.Kill()
		hold.Wait()
		exec.Command("chattr", "-i", d.path("var/lib/ephor")).Run() // the script lets nothing be put there
		// The kernel ends the namespace's processes, and with the last of them its mounts.
		for i := 0; i < 1000 && os.RemoveAll(d.dir) != nil; i++ {
			time.Sleep(10 * time.Millisecond)
		}
	})
	if line, err := bufio.NewReader(said).ReadString('\n'); err != nil || line != "up\n" {
		t.Fatalf("making the namespaces: %q, %v", line, err)
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", hold.Process.Pid, hold.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	d.pid = strings.TrimSpace(string(children))
	return d
}

// canMount skips where not even root may mount, as in many a container.
func canMount(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "sh", "-ec",
		`truncate --size 8M "$1/disk"; mkfs.ext4 -q -F "$1/disk"; mkdir "$1/mnt"; mount "$1/disk" "$1/mnt"; mount -t proc proc "$1/mnt"`, "sh", dir).CombinedOutput()
	if err != nil {
		t.Skipf("this machine does not let root mount a disk image in namespaces of its own: %v: %s", err, lastLine(out))
	}
}

// unpack fills the folder with a fresh Debian. debootstrap takes half a minute and a hundred megabytes
// from the mirror, so what it made is kept for a week in the user's cache.
func (d *debian) unpack(t *testing.T) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(cache, "ephor", fmt.Sprintf("debian-%s-%.4x.tar", release, sha256.Sum256([]byte(included))))
	if info, err := os.Stat(kept); err != nil || time.Since(info.ModTime()) > 7*24*time.Hour {
		d.bootstrap(t)
		aside := kept + strconv.Itoa(os.Getpid())
		defer os.Remove(aside)
		if err := os.MkdirAll(filepath.Dir(kept), 0o700); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("tar", "--create", "--numeric-owner", "--directory", d.dir, "--file", aside, ".").CombinedOutput(); err != nil {
			t.Fatalf("keeping the root: %v\n%s", err, out)
		}
		if err := os.Rename(aside, kept); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("tar", "--extract", "--numeric-owner", "--same-permissions", "--directory", d.dir, "--file", kept).CombinedOutput(); err != nil {
		t.Fatalf("unpacking the root: %v\n%s", err, out)
	}
}

func (d *debian) bootstrap(t *testing.T) {
	t.Helper()
	var out []byte
	var err error
	for range 3 { // a mirror answers amiss now and then
		if out, err = exec.Command("debootstrap", "--variant=minbase", "--include="+included, release, d.dir, mirror).CombinedOutput(); err == nil {
			return
		}
		if err := os.RemoveAll(d.dir); err != nil {
			t.Fatal(err)
		}
	}
	for _, why := range []string{"Failed getting release file", "Couldn't download"} {
		if bytes.Contains(out, []byte(why)) {
			t.Skipf("Debian's mirror cannot be reached: %s", lastLine(out))
		}
	}
	t.Fatalf("debootstrap: %v\n%s", err, out)
}

func lastLine(text []byte) []byte {
	text = bytes.TrimSpace(text)
	return text[bytes.LastIndexByte(text, '\n')+1:]
}

func (d *debian) path(name string) string { return filepath.Join(d.dir, name) }

func (d *debian) write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(d.path(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.path(name), []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// command runs inside, in a process group of its own, with nothing of this process's environment.
func (d *debian) command(args ...string) *exec.Cmd {
	env := append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}, d.env...)
	inside := append([]string{"--target", d.pid, "--mount", "--pid", "--", "chroot", d.dir, "env", "-i"}, env...)
	c := exec.Command("nsenter", append(inside, args...)...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return c
}

func (d *debian) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := d.command(args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

// boot runs the user data as cloud-init does. With killAt it is killed, and what it started in the
// foreground, as soon as it says that it begins with that step. It returns all that was said.
func (d *debian) boot(t *testing.T, killAt string) (said string, err error) {
	t.Helper()
	c := d.command("bash", "/user-data")
	return runGroup(t, c, func(line string) bool { return killAt != "" && strings.Contains(line, " ephor: "+killAt) })
}

// repository makes a vendor's repository: one package, signed. Beside the key there is another in its file. It returns the source for apt, the key's
// address and its fingerprint, each as the machine sees it.
func (d *debian) repository(t *testing.T, vendor, deb string) (source, key, fingerprint string) {
	t.Helper()
	home := t.TempDir()
	sh := func(dir, name string, args ...string) []byte {
		t.Helper()
		c := exec.Command(name, args...)
		c.Dir, c.Env = dir, append(os.Environ(), "GNUPGHOME="+home)
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%s %q: %v", name, args, err)
		}
		return out
	}
	t.Cleanup(func() { sh(home, "gpgconf", "--homedir", home, "--kill", "all") })
	sh(home, "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", vendor+" of the test", "ed25519", "sign", "never")
	for _, line := range strings.Split(string(sh(home, "gpg", "--list-keys", "--with-colons")), "\n") {
		if f := strings.Split(line, ":"); f[0] == "fpr" && fingerprint == "" {
			fingerprint = f[9]
		}
	}
	sh(home, "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "another of "+vendor, "ed25519", "sign", "never")
	base := "/srv/" + vendor
	text, err := os.ReadFile(deb)
	if err != nil {
		t.Fatal(err)
	}
	pool := "pool/" + filepath.Base(strings.ReplaceAll(deb, "%3a", "-"))
	d.write(t, base+"/"+pool, string(text), 0o644)
	arch := strings.TrimSpace(d.run(t, "dpkg", "--print-architecture"))
	packages := fmt.Sprintf("%sFilename: %s\nSize: %d\nSHA256: %x\n", sh(home, "dpkg-deb", "--field", deb), pool, len(text), sha256.Sum256(text))
	index := "main/binary-" + arch + "/Packages"
	d.write(t, base+"/dists/stable/"+index, packages, 0o644)
	signed := fmt.Sprintf("Suite: stable\nCodename: stable\nComponents: main\nArchitectures: %s\nDate: %s\nSHA256:\n %x %d %s\n",
		arch, time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 UTC"), sha256.Sum256([]byte(packages)), len(packages), index)
	file := filepath.Join(home, "Release")
	if err := os.WriteFile(file, []byte(signed), 0o644); err != nil {
		t.Fatal(err)
	}
	d.write(t, base+"/dists/stable/InRelease", string(sh(home, "gpg", "--batch", "--local-user", fingerprint, "--clearsign", "--output", "-", file)), 0o644)
	d.write(t, base+"/key.asc", string(sh(home, "gpg", "--armor", "--export")), 0o644)
	return "file:" + base + " stable main", "file://" + base + "/key.asc", fingerprint
}

// pack builds a Debian package of files, with a script that runs after it is installed.
func pack(t *testing.T, name, version, postinst string, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	put := func(path, text string, mode os.FileMode) {
		path = filepath.Join(tree, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	put("DEBIAN/control", fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: the test <test@example.com>\nDescription: a stand-in\n", name, version), 0o644)
	put("DEBIAN/postinst", "#!/bin/sh\nset -e\n"+postinst, 0o755)
	for path, text := range files {
		put(path, text, 0o755)
	}
	deb := filepath.Join(dir, name+".deb")
	if out, err := exec.Command("dpkg-deb", "-Znone", "--root-owner-group", "--build", tree, deb).CombinedOutput(); err != nil {
		t.Fatalf("dpkg-deb: %v\n%s", err, out)
	}
	return deb
}
