// Package descriptor recognizes open file descriptors. A host may close any descriptor (closefrom(3), daemons), and its
// number may then belong to another file, such as a database connection.
package descriptor

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// File is an open descriptor and the identity of its file.
type File struct {
	FD       int
	dev, ino uint64
}

// Of returns the descriptor of an open file with that status.
func Of(fd int, status *unix.Stat_t) File { return File{fd, status.Dev, status.Ino} }

// New takes a descriptor that was just opened, and moves it above the standard streams.
func New(fd int) (*File, error) {
	fd, err := AboveStandardStreams(fd)
	if err != nil {
		return nil, err
	}
	var status unix.Stat_t
	if err := unix.Fstat(fd, &status); err != nil {
		unix.Close(fd)
		return nil, err
	}
	file := Of(fd, &status)
	return &file, nil
}

// AboveStandardStreams returns fd, or a duplicate if fd is 0, 1 or 2: a host that has closed its standard streams may
// still print to these numbers.
func AboveStandardStreams(fd int) (int, error) {
	if fd > 2 {
		return fd, nil
	}
	defer unix.Close(fd)
	return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
}

// IsOurs is false when the host has closed the descriptor. Then do not use the number, and do not close it.
func (f *File) IsOurs() bool {
	// A raw system call, because fstat does not block, and each send makes one.
	var status unix.Stat_t
	_, _, errno := unix.RawSyscall(unix.SYS_FSTAT, uintptr(f.FD), uintptr(unsafe.Pointer(&status)), 0)
	return errno == 0 && f.Is(&status)
}

// Status returns the file's status, which is valid only if the descriptor is still ours.
func (f *File) Status() (status unix.Stat_t, isOurs bool) {
	err := unix.Fstat(f.FD, &status)
	return status, err == nil && f.Is(&status)
}

// WithNumber returns another descriptor of the same file.
func (f *File) WithNumber(fd int) File { return File{fd, f.dev, f.ino} }

// Is tells whether the status is of this file.
func (f *File) Is(status *unix.Stat_t) bool { return status.Dev == f.dev && status.Ino == f.ino }

// Close closes the descriptor if it is still ours. An open file whose fstat fails, because its disk is gone, is closed.
func (f *File) Close() error {
	var status unix.Stat_t
	err := unix.Fstat(f.FD, &status)
	if err == unix.EBADF || err == nil && !f.Is(&status) {
		return nil
	}
	return unix.Close(f.FD)
}
