package tests

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// disk is a file system of the test's own, which can be made to hang.
type disk struct {
	dir          string
	hang, answer func()
}

// hangingDisks are the ways in which a disk can fail to answer.
var hangingDisks = []struct {
	name string
	make func(t *testing.T) disk
}{
	{"FUSE", func(t *testing.T) disk {
		d, tell := fuseDisk(t)
		d.hang, d.answer = func() { tell("hangs") }, func() { tell("works") }
		return d
	}},
	{"ext4, frozen", frozenDisk},
}

var buildDisk = sync.OnceValue(func() error {
	out, err := exec.Command("go", "build", "-o", stage+"/disk", "./disk").CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build ./disk: %w\n%s", err, out)
	}
	return nil
})

// fuseDisk mounts a FUSE file system. tell gives it the commands of disk/main.go. It is unmounted after the test, also
// while processes wait for it.
func fuseDisk(t *testing.T) (d disk, tell func(command string)) {
	t.Helper()
	needRoot(t)
	if _, err := os.Stat("/dev/fuse"); err != nil {
		skip(t, "no FUSE: "+err.Error())
	}
	check(t, buildDisk())
	s := newScene(t)
	backing, mount := s.dir+"/backing", s.dir+"/mount"
	for _, dir := range []string{backing, mount} {
		check(t, os.Mkdir(dir, 0o755))
	}
	p := start(t, 100*time.Second, exec.Command(stage+"/disk", backing, mount))
	p.line()
	t.Cleanup(func() { syscall.Unmount(mount, syscall.MNT_DETACH) })
	return disk{dir: mount}, func(command string) {
		t.Helper()
		p.tell("%s", command)
		p.line()
	}
}

// frozenDisk is an ext4 that hangs when it is frozen: every writer waits until it is thawed.
func frozenDisk(t *testing.T) disk {
	t.Helper()
	needRoot(t)
	s := newScene(t)
	image, mount := s.dir+"/image", s.dir+"/mount"
	check(t, os.Mkdir(mount, 0o755))
	command(t, "truncate", "-s", "64M", image)
	command(t, need(t, "mkfs.ext4", "e2fsprogs"), "-q", image)
	if out, err := exec.Command("mount", "-o", "loop", image, mount).CombinedOutput(); err != nil {
		skip(t, fmt.Sprintf("no disk to freeze: %v %s", err, out))
	}
	// The writer may have its directory open.
	t.Cleanup(func() { command(t, "umount", "--lazy", mount) })
	thaw := func() { exec.Command("fsfreeze", "--unfreeze", mount).Run() }
	freeze := func() {
		command(t, "fsfreeze", "--freeze", mount)
		t.Cleanup(thaw) // first: a process that waits for a disk cannot be killed
	}
	return disk{dir: mount, hang: freeze, answer: thaw}
}

// tinyDisk is a tmpfs with these options.
func tinyDisk(t *testing.T, options string) string {
	t.Helper()
	needRoot(t)
	s := newScene(t)
	command(t, "mount", "-t", "tmpfs", "-o", "mode=0755,"+options, "tmpfs", s.dir)
	t.Cleanup(func() { command(t, "umount", "--lazy", s.dir) })
	return s.dir
}

// command runs what cannot fail.
func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v %s", name, strings.Join(args, " "), err, out)
	}
}
