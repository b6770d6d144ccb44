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

// Mark is the signal that a marked descriptor has for its input and output:
// fcntl(2), F_SETSIG. It is never sent, for nobody asks for it (O_ASYNC). Nobody
// else sets it: who wants such signals takes a real-time one, or leaves SIGIO.
const Mark = int(unix.SIGWINCH)

// mark lets the shortcut know the descriptor again by a system call that takes half
// of fstat's time. It returns whether it can.
func (d *descriptor) mark() bool {
	if !d.ours() {
		return false
	}
	_, err := unix.FcntlInt(uintptr(d.fd), unix.F_SETSIG, Mark)
	got, _ := unix.FcntlInt(uintptr(d.fd), unix.F_GETSIG, 0)
	return err == nil && got == Mark && d.ours()
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
