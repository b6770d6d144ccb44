// Package listener is one Unix datagram socket, the receiver at its other end, and what the errors mean.
//
// No call blocks, [Socket.AwaitRoom] apart, and none uses the network poller; see package transmit.
package listener

import (
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MaxPath is what a sockaddr_un has room for, less the NUL: unix(7).
const MaxPath = len(unix.RawSockaddrUnix{}.Path) - 1

// MaxPieces is how many a datagram is made of at most.
const MaxPieces = 3

// sendTimeout bounds a send in the kernel, should it ever block: SO_SNDTIMEO.
// It is no promise, for it fires up to two scheduler ticks late.
const sendTimeout = 50 * time.Millisecond

// Socket is a datagram socket that is kept. Its zero value is not open yet.
//
// No lock: threads that open it at once agree on the first, and connect(2) may
// be called again, and at any time, on a datagram socket.
type Socket struct {
	Owner Owner // set before the first Connect

	open  atomic.Pointer[descriptor]
	peer  atomic.Pointer[descriptor] // the open one, when it has been connected
	bound atomic.Pointer[binding]    // to what; set before peer
}

// connected returns the descriptor to send with; nil: connect first.
func (s *Socket) connected() *descriptor {
	if d := s.peer.Load(); d != nil && d.ours() && s.bound.Load().isStillThere() {
		return d
	}
	return nil
}

// Send sends one datagram, of MaxPieces, without blocking. ENOTCONN: connect first.
func (s *Socket) Send(out [][]byte) unix.Errno {
	d := s.connected()
	if d == nil {
		return unix.ENOTCONN
	}
	var iov [MaxPieces]unix.Iovec
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

// Connect makes the listener that is bound to path now the socket's peer, which
// lets poll(2) see its queue. It opens the socket if need be.
func (s *Socket) Connect(path string) unix.Errno {
	if len(path) > MaxPath {
		return unix.ENAMETOOLONG
	}
	d, errno := s.descriptor()
	if errno != 0 {
		return errno
	}
	bound := bindingOf(path)
	if s.Owner.isSet {
		owned, fd, errno := s.Owner.locate(path)
		if errno != 0 {
			return errno
		}
		defer unix.Close(fd)
		path = owned
	}
	address := unix.RawSockaddrUnix{Family: unix.AF_UNIX}
	for i := range len(path) {
		address.Path[i] = int8(path[i])
	}
	size := unsafe.Offsetof(address.Path) + uintptr(len(path)) + 1
	// Not raw: the file system that the path is on may hang, and only this call with it.
	_, _, errno = unix.Syscall(unix.SYS_CONNECT, uintptr(d.fd), uintptr(unsafe.Pointer(&address)), size)
	if errno == 0 {
		s.bound.Store(bound)
		s.peer.Store(d)
	}
	return errno
}

// descriptor returns the open one, or opens one.
func (s *Socket) descriptor() (*descriptor, unix.Errno) {
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

// AwaitRoom waits until the peer's queue may have room. It does so with poll(2),
// which is exact to a tenth of a millisecond.
func (s *Socket) AwaitRoom(until time.Time) bool {
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

func (s *Socket) Close() {
	s.peer.Store(nil)
	if d := s.open.Swap(nil); d != nil {
		d.close()
	}
}

// HasRoom tells whether the peer's queue may have room now.
func (s *Socket) HasRoom() bool {
	d := s.open.Load()
	if d == nil {
		return false
	}
	ready, err := unix.Poll([]unix.PollFd{{Fd: int32(d.fd), Events: unix.POLLOUT}}, 0)
	return err == nil && ready > 0
}

// Unread is how many bytes, with the kernel's own, the peer has not read yet: unix(7), SIOCOUTQ.
func (s *Socket) Unread() int {
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
