package listener

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// descriptor is a file descriptor, and what tells it from another of that number.
type descriptor struct {
	fd       int
	dev, ino uint64
}

// ours is false when the host has closed the descriptor: its number may be a
// database connection now.
func (d *descriptor) ours() bool {
	var st unix.Stat_t
	_, _, errno := unix.RawSyscall(unix.SYS_FSTAT, uintptr(d.fd), uintptr(unsafe.Pointer(&st)), 0)
	return errno == 0 && st.Ino == d.ino && st.Dev == d.dev
}

// close closes it if it is still what was opened, or if fstat fails for what is open.
func (d *descriptor) close() {
	var st unix.Stat_t
	err := unix.Fstat(d.fd, &st)
	if err == nil && (st.Ino != d.ino || st.Dev != d.dev) || err == unix.EBADF {
		return
	}
	unix.Close(d.fd)
}

// newDescriptor is what was just opened, never 0, 1 or 2: a host that has closed its
// standard streams may still print to them.
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
