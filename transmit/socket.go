package transmit

import (
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxSocketPath is what a sockaddr_un has room for, less the NUL: unix(7).
const maxSocketPath = len(unix.RawSockaddrUnix{}.Path) - 1

// sendTimeout bounds a send in the kernel, should it ever block: SO_SNDTIMEO.
// It is no promise, for it fires up to two scheduler ticks late.
const sendTimeout = 50 * time.Millisecond

// socket is a datagram socket that is kept. Its zero value is not open yet.
//
// No lock: threads that open it at once agree on the first, and connect(2) may
// be called again, and at any time, on a datagram socket.
type socket struct {
	open atomic.Pointer[descriptor]
	peer atomic.Pointer[descriptor] // the open one, when it has been connected
}

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

// mark is the signal that a marked descriptor has for its input and output:
// fcntl(2), F_SETSIG. It is never sent, for nobody asks for it (O_ASYNC). Nobody
// else sets it: who wants such signals takes a real-time one, or leaves SIGIO.
const mark = int(unix.SIGWINCH)

// mark lets the shortcut know the descriptor again by a system call that takes half
// of fstat's time. It returns whether it can.
func (d *descriptor) mark() bool {
	if !d.ours() {
		return false
	}
	_, err := unix.FcntlInt(uintptr(d.fd), unix.F_SETSIG, mark)
	got, _ := unix.FcntlInt(uintptr(d.fd), unix.F_GETSIG, 0)
	return err == nil && got == mark && d.ours()
}

func (d *descriptor) close() {
	if d.ours() {
		unix.Close(d.fd)
	}
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

// send sends one datagram, of maxSendable pieces, without blocking. ENOTCONN: connect first.
func (s *socket) send(out pieces) unix.Errno {
	d := s.peer.Load()
	if d == nil || !d.ours() {
		return unix.ENOTCONN
	}
	var iov [maxSendable]unix.Iovec
	n := 0
	for _, piece := range out {
		if len(piece) > 0 {
			iov[n].Base = unsafe.SliceData(piece)
			iov[n].SetLen(len(piece))
			n++
		}
	}
	message := unix.Msghdr{Iov: &iov[0]}
	message.SetIovlen(n)
	// Raw: it does not block, so the scheduler need not know.
	_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(d.fd),
		uintptr(unsafe.Pointer(&message)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	return errno
}

// connect makes the listener that is bound to path now the socket's peer, which
// lets poll(2) see its queue. It opens the socket if need be.
func (s *socket) connect(path string) unix.Errno {
	if len(path) > maxSocketPath {
		return unix.ENAMETOOLONG
	}
	d, errno := s.descriptor()
	if errno != 0 {
		return errno
	}
	address := unix.RawSockaddrUnix{Family: unix.AF_UNIX}
	for i := range len(path) {
		address.Path[i] = int8(path[i])
	}
	size := unsafe.Offsetof(address.Path) + uintptr(len(path)) + 1
	_, _, errno = unix.RawSyscall(unix.SYS_CONNECT, uintptr(d.fd), uintptr(unsafe.Pointer(&address)), size)
	if errno == 0 {
		s.peer.Store(d)
	}
	return errno
}

// descriptor returns the open one, or opens one.
func (s *socket) descriptor() (*descriptor, unix.Errno) {
	old := s.open.Load()
	if old != nil && old.ours() {
		return old, 0
	}
	opened, errno := openSocket()
	if errno != 0 {
		return nil, errno
	}
	// old's number is left alone: it is not ours any more.
	if !s.open.CompareAndSwap(old, opened) {
		unix.Close(opened.fd)
		return s.open.Load(), 0
	}
	return opened, 0
}

func openSocket() (*descriptor, unix.Errno) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err.(unix.Errno)
	}
	d, err := newDescriptor(fd)
	if err != nil {
		return nil, err.(unix.Errno)
	}
	timeout := unix.NsecToTimeval(int64(sendTimeout))
	if err := unix.SetsockoptTimeval(d.fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &timeout); err != nil {
		d.close()
		return nil, err.(unix.Errno)
	}
	return d, 0
}

// awaitRoom waits until the peer's queue may have room. It does so with poll(2),
// which is exact to a tenth of a millisecond.
func (s *socket) awaitRoom(until time.Time) bool {
	d := s.open.Load()
	if d == nil {
		return false
	}
	for {
		left := time.Until(until)
		if left <= 0 {
			return false
		}
		timeout := unix.NsecToTimespec(int64(left))
		ready, err := unix.Ppoll([]unix.PollFd{{Fd: int32(d.fd), Events: unix.POLLOUT}}, &timeout, nil)
		if err != unix.EINTR { // a stop and a continuation of the process
			return err == nil && ready > 0
		}
	}
}

func (s *socket) close() {
	s.peer.Store(nil)
	if d := s.open.Swap(nil); d != nil {
		d.close()
	}
}

// hasRoom tells whether the peer's queue may have room now.
func (s *socket) hasRoom() bool {
	d := s.open.Load()
	if d == nil {
		return false
	}
	ready, err := unix.Poll([]unix.PollFd{{Fd: int32(d.fd), Events: unix.POLLOUT}}, 0)
	return err == nil && ready > 0
}

// unread is how many bytes, with the kernel's own, the peer has not read yet: unix(7), SIOCOUTQ.
func (s *socket) unread() int {
	d := s.open.Load()
	if d == nil || !d.ours() {
		return 0
	}
	n, err := unix.IoctlGetInt(d.fd, unix.SIOCOUTQ)
	if err != nil {
		return 0
	}
	return n
}
