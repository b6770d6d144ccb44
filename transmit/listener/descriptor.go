package listener

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// descriptor is a file descriptor with the identity of its file, because the host may close and reuse any number.
type descriptor struct {
	fd       int
	dev, ino uint64
}

// ours is false when the host has closed the descriptor. Then its number may belong to a database connection.
func (d *descriptor) ours() bool {
	var st unix.Stat_t
	_, _, errno := unix.RawSyscall(unix.SYS_FSTAT, uintptr(d.fd), uintptr(unsafe.Pointer(&st)), 0)
	return errno == 0 && st.Ino == d.ino && st.Dev == d.dev
}

// close closes the descriptor, unless its number belongs to another file by now. An open file whose fstat fails is closed.
func (d *descriptor) close() {
	var st unix.Stat_t
	err := unix.Fstat(d.fd, &st)
	if err == nil && (st.Ino != d.ino || st.Dev != d.dev) || err == unix.EBADF {
		return
	}
	unix.Close(d.fd)
}

// newDescriptor takes a descriptor that was just opened. The result is never 0, 1 or 2: a host that has closed its
// standard streams may still print to these numbers.
func newDescriptor(fd int) (*descriptor, error) {
	if fd <= 2 {
		high, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
		unix.Close(fd)
		if err != nil {
			return nil, err
		}
		fd = high
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &descriptor{fd: fd, dev: st.Dev, ino: st.Ino}, nil
}
