package buffer

import (
	"errors"

	"golang.org/x/sys/unix"

	"libtransmit/buffer/descriptor"
)

// ErrTaken means that another process holds the lock.
var ErrTaken = errors.New("another process holds the lock")

// lock is a file that one process at a time holds, until it releases it or dies. It uses flock(2), as plain PHP does. A
// child that was forked meanwhile holds the lock as well, until the child ends.
type lock struct {
	dir  *directory
	name string
	file descriptor.File
}

// lock takes the lock of that name. It creates the file if it is missing, and never removes it, because another process
// may have opened it and be about to lock it.
func (d *directory) lock(name string) (*lock, error) {
	fd, err := openat(d.FD, name, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, d.failure("open "+name, err)
	}
	var status unix.Stat_t
	if err = unix.Fstat(fd, &status); err == nil && !isOwn(&status) {
		err = errForeign
	}
	if err == nil {
		err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	}
	l := &lock{d, name, descriptor.Of(fd, &status)}
	if err == nil && !l.held() {
		err = unix.EWOULDBLOCK // the file was replaced just now
	}
	if err == nil {
		return l, nil
	}
	unix.Close(fd)
	if err == unix.EWOULDBLOCK {
		return nil, ErrTaken
	}
	return nil, d.failure("lock "+name, err)
}

// held is false when the host has closed the descriptor, or when the file was removed: then another process may hold a
// new file of that name.
func (l *lock) held() bool {
	_, open := l.file.Status()
	return open && l.dir.has(l.name, &l.file)
}

// release releases the lock, also for a forked child.
func (l *lock) release() {
	if _, open := l.file.Status(); open {
		_ = unix.Flock(l.file.FD, unix.LOCK_UN)
	}
	_ = l.file.Close()
}

// isOwn tells whether this is a regular file of this user.
func isOwn(status *unix.Stat_t) bool {
	return isFileOf(status, uint32(unix.Geteuid()))
}

func isFileOf(status *unix.Stat_t, uid uint32) bool {
	return status.Mode&unix.S_IFMT == unix.S_IFREG && status.Uid == uid
}
