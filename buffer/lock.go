package buffer

import (
	"errors"

	"golang.org/x/sys/unix"
)

// ErrTaken means that another process does what one at a time may do.
var ErrTaken = errors.New("another process is at it")

// lock is a file that one process at a time holds, until it lets it go or dies
// (flock(2), as plain PHP has it). A child that was forked meanwhile and outlives
// it holds it as well, until that child ends.
type lock struct {
	dir  *directory
	name string
	file descriptor
}

// lock takes the lock of that name, which it makes if need be and never removes:
// whoever has opened it may be about to lock it.
func (d *directory) lock(name string) (*lock, error) {
	fd, err := openat(d.fd, name, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
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
	l := &lock{d, name, descriptor{fd, status.Dev, status.Ino}}
	if err == nil && !l.held() {
		err = unix.EWOULDBLOCK // it was replaced just now
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

// held is false when the host has closed the descriptor, or the file was removed
// and others may hold another one of that name.
func (l *lock) held() bool {
	_, open := l.file.status()
	return open && l.dir.has(l.name, &l.file)
}

// release lets it go, for a forked child, too.
func (l *lock) release() {
	if _, open := l.file.status(); open {
		_ = unix.Flock(l.file.fd, unix.LOCK_UN)
	}
	_ = l.file.close()
}

// isOwn is true of a regular file of this user's.
func isOwn(status *unix.Stat_t) bool {
	return status.Mode&unix.S_IFMT == unix.S_IFREG && status.Uid == uint32(unix.Geteuid())
}
