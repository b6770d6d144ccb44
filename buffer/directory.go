package buffer

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"libtransmit/buffer/descriptor"
)

// SystemDirs returns the default candidates. temp is the directory for temporary files; it is the last candidate.
func SystemDirs(temp string) []string {
	return slices.Compact([]string{
		"/var/lib/bitville-apm/buffer",
		"/tmp/bitville-apm-buffer",
		filepath.Join(temp, "bitville-apm-buffer"),
		temp,
	})
}

// directory is an open directory.
type directory struct {
	path  string
	state string // name of the user's own directory in it: see state.go
	descriptor.File
}

// choose opens the first usable candidate. It makes missing directories.
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
	// Try again if another process removes it between two steps.
	for try := 0; try < 3 && err == unix.ENOENT; try++ {
		dir, err = openTrusted(path, noLinks)
	}
	if err != nil {
		return nil, err
	}
	if err := dir.writable(); err != nil {
		dir.Close()
		return nil, err
	}
	return dir, nil
}

// trusted returns an error for a directory in which another user could replace our files or the next part of a path. In a
// sticky directory, other users can neither move nor remove our files.
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

// writable asks the kernel. If a seccomp filter may have refused the question, it tries to create a file.
func (d *directory) writable() error {
	err := unix.Faccessat(d.FD, ".", unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	if isRefusal(err) && d.canCreate() {
		return nil
	}
	return err
}

func (d *directory) canCreate() bool {
	temp, err := d.create(nil)
	return err == nil && d.remove(temp)
}

// current returns the directory's status. ok is false if the path leads to another directory by now, or if the directory
// can no longer be trusted.
func (d *directory) current() (status unix.Stat_t, ok bool) {
	err := unix.Fstatat(unix.AT_FDCWD, d.path, &status, unix.AT_SYMLINK_NOFOLLOW)
	return status, err == nil && d.Is(&status) && trusted(&status) == nil
}

// reopen returns a second descriptor of the directory, with a reading position of its own.
func (d *directory) reopen() (*directory, error) {
	fd, err := openat(d.FD, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	return &directory{path: d.path, state: d.state, File: d.File.WithNumber(fd)}, nil
}

// remove removes a file. It returns whether that succeeded.
func (d *directory) remove(name string) bool {
	return unix.Unlinkat(d.FD, name, 0) == nil
}
