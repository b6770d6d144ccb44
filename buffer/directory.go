package buffer

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// SystemDirs are the default candidates on a host whose directory for temporary
// files is temp: that directory itself is the last resort.
func SystemDirs(temp string) []string {
	return slices.Compact([]string{
		"/var/lib/bitville-apm/buffer",
		"/tmp/bitville-apm-buffer",
		filepath.Join(temp, "bitville-apm-buffer"),
		temp,
	})
}

// descriptor is an open file or directory, and how to know it again: the host may
// close any descriptor (closefrom(3), daemons), and its number is then reused.
type descriptor struct {
	fd       int
	dev, ino uint64
}

// status is what the descriptor refers to; not ok if that is no longer what was
// opened, and so not ours to use or to close.
func (d *descriptor) status() (status unix.Stat_t, ok bool) {
	err := unix.Fstat(d.fd, &status)
	return status, err == nil && d.is(&status)
}

func (d *descriptor) is(status *unix.Stat_t) bool {
	return status.Dev == d.dev && status.Ino == d.ino
}

// close closes it if it is still what was opened. What fstat fails for is open, too: a
// file whose disk is gone.
func (d *descriptor) close() error {
	var status unix.Stat_t
	err := unix.Fstat(d.fd, &status)
	if err == unix.EBADF || err == nil && !d.is(&status) {
		return nil
	}
	return unix.Close(d.fd)
}

// directory is an open directory.
type directory struct {
	path  string
	state string // the name of the user's own directory in it: state.go
	descriptor
}

// choose opens the first usable candidate, after making it if it is missing.
func choose(candidates []string, noLinks bool) (*directory, error) {
	var reasons unusable
	for _, path := range candidates {
		dir, err := openUsable(path, noLinks)
		if err == nil {
			return dir, nil
		}
		reasons = append(reasons, fmt.Errorf("%s: %w", path, err))
	}
	return nil, reasons
}

// unusable is an ErrNoDirectory with the reason of each candidate.
type unusable []error

func (u unusable) Error() string {
	reasons := make([]string, len(u))
	for i, err := range u {
		reasons[i] = err.Error()
	}
	return ErrNoDirectory.Error() + ": " + strings.Join(reasons, "; ")
}

func (u unusable) Unwrap() []error { return append([]error{ErrNoDirectory}, u...) }

func openUsable(path string, noLinks bool) (*directory, error) {
	dir, err := openTrusted(path, noLinks)
	// Again, if somebody takes it away between two steps.
	for try := 0; try < 3 && err == unix.ENOENT; try++ {
		dir, err = openTrusted(path, noLinks)
	}
	if err != nil {
		return nil, err
	}
	if err := dir.writable(); err != nil {
		dir.close()
		return nil, err
	}
	return dir, nil
}

// trusted refuses a directory in which another user could exchange our files, or
// the next part of a path. In a sticky one, nobody can move or remove what is ours.
func trusted(status *unix.Stat_t) error {
	sticky := status.Mode&unix.S_ISVTX != 0
	switch {
	case status.Uid != 0 && status.Uid != uint32(unix.Geteuid()):
		return errForeign
	case status.Mode&unix.S_IWOTH != 0 && !sticky:
		return errOpen
	case status.Mode&unix.S_IWGRP != 0 && !sticky:
		return errGroup
	}
	return nil
}

// writable asks the kernel, or tries it where a filter may have refused the question.
func (d *directory) writable() error {
	err := unix.Faccessat(d.fd, ".", unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	if isRefusal(err) && d.canCreate() {
		return nil
	}
	return err
}

func (d *directory) canCreate() bool {
	temp, err := d.create(nil)
	return err == nil && d.remove(temp)
}

// current is status, and ok only if the path still names this directory and it
// may still be trusted.
func (d *directory) current() (status unix.Stat_t, ok bool) {
	var named unix.Stat_t
	err := unix.Fstatat(unix.AT_FDCWD, d.path, &named, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil || !d.is(&named) || trusted(&named) != nil {
		return status, false
	}
	return d.status()
}

// reopen gives the directory a second descriptor, with its own reading position.
func (d *directory) reopen() (*directory, error) {
	fd, err := openat(d.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	return &directory{path: d.path, state: d.state, descriptor: descriptor{fd, d.dev, d.ino}}, nil
}

// remove removes a file and returns whether that succeeded.
func (d *directory) remove(name string) bool {
	return unix.Unlinkat(d.fd, name, 0) == nil
}
