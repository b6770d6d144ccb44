package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// disk is the file system that it embeds, with a gate before each operation that
// a writer of files needs.
type disk struct {
	fuse.RawFileSystem

	mu    sync.Mutex
	opens *sync.Cond
	hangs bool
	slow  time.Duration
	fails fuse.Status
	fat   fuse.Status // fuse.OK: it has links, and flags of rename
}

func newDisk(beneath fuse.RawFileSystem) *disk {
	d := &disk{RawFileSystem: beneath}
	d.opens = sync.NewCond(&d.mu)
	return d
}

// obey does what a line of main's comment says.
func (d *disk) obey(line string) error {
	var verb string
	var number int
	fmt.Sscan(line, &verb, &number)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hangs, d.slow, d.fails = false, 0, fuse.OK
	switch verb {
	case "works":
	case "fat":
		d.fat = fuse.Status(number)
	case "hangs":
		d.hangs = true
	case "slow":
		d.slow = time.Duration(number) * time.Millisecond
	case "fails":
		d.fails = fuse.Status(number)
	default:
		return fmt.Errorf("what is %q?", line)
	}
	d.opens.Broadcast()
	return nil
}

// pass waits until an operation may continue. It returns the result of an operation that needs room.
func (d *disk) pass() fuse.Status {
	d.mu.Lock()
	for d.hangs {
		d.opens.Wait()
	}
	slow, fails := d.slow, d.fails
	d.mu.Unlock()
	time.Sleep(slow)
	return fails
}

func (d *disk) Lookup(cancel <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	d.pass()
	return d.RawFileSystem.Lookup(cancel, header, name, out)
}

func (d *disk) GetAttr(cancel <-chan struct{}, input *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	d.pass()
	return d.RawFileSystem.GetAttr(cancel, input, out)
}

func (d *disk) OpenDir(cancel <-chan struct{}, input *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	d.pass()
	return d.RawFileSystem.OpenDir(cancel, input, out)
}

func (d *disk) ReadDirPlus(cancel <-chan struct{}, input *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	d.pass()
	return d.RawFileSystem.ReadDirPlus(cancel, input, out)
}

func (d *disk) Unlink(cancel <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	d.pass()
	return d.RawFileSystem.Unlink(cancel, header, name)
}

func (d *disk) Create(cancel <-chan struct{}, input *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	if fails := d.pass(); fails != fuse.OK {
		return fails
	}
	return d.RawFileSystem.Create(cancel, input, name, out)
}

// Writev comes before Write, which is for those that cannot do it.
func (d *disk) Writev(cancel <-chan struct{}, input *fuse.WriteIn, data [][]byte) (uint32, fuse.Status) {
	if fails := d.pass(); fails != fuse.OK {
		return 0, fails
	}
	return d.RawFileSystem.Writev(cancel, input, data)
}

func (d *disk) Rename(cancel <-chan struct{}, input *fuse.RenameIn, oldName string, newName string) fuse.Status {
	if fails := d.pass(); fails != fuse.OK {
		return fails
	}
	if d.isFAT() != fuse.OK && input.Flags != 0 {
		return fuse.EINVAL
	}
	return d.RawFileSystem.Rename(cancel, input, oldName, newName)
}

func (d *disk) Link(cancel <-chan struct{}, input *fuse.LinkIn, filename string, out *fuse.EntryOut) fuse.Status {
	if fails := d.isFAT(); fails != fuse.OK {
		return fails
	}
	return d.RawFileSystem.Link(cancel, input, filename, out)
}

func (d *disk) Symlink(cancel <-chan struct{}, header *fuse.InHeader, to, name string, out *fuse.EntryOut) fuse.Status {
	if fails := d.isFAT(); fails != fuse.OK {
		return fails
	}
	return d.RawFileSystem.Symlink(cancel, header, to, name, out)
}

// isFAT is what links get; OK: they work.
func (d *disk) isFAT() fuse.Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fat
}
