// Package listener sends to one Unix datagram socket, and explains the errors.
//
// Only [Socket.AwaitRoom] blocks. No call uses the network poller; see package transmit.
package listener

import (
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"libtransmit/buffer/descriptor"
)

// MaxPath is the length of the longest path in a sockaddr_un, without the NUL: unix(7).
const MaxPath = len(unix.RawSockaddrUnix{}.Path) - 1

// MaxPieces is the largest number of pieces of one datagram.
const MaxPieces = 3

// sendTimeout is SO_SNDTIMEO, a limit for a send that blocks in the kernel. No send here does. It fires up to two
// scheduler ticks late, so nothing relies on it.
const sendTimeout = 50 * time.Millisecond

// Socket is a datagram socket that stays open between sends. Its zero value is not open yet.
//
// It has no lock. If two threads open it at once, both use the first one's. connect(2) may be called on a datagram
// socket at any time.
type Socket struct {
	Owner Owner // set before the first Connect

	open  atomic.Pointer[descriptor.File]
	peer  atomic.Pointer[descriptor.File] // equal to open once that is connected
	bound atomic.Pointer[binding]         // what it is connected to; set before peer
}

// connected returns the descriptor to send with, or nil if Connect must be called first.
func (s *Socket) connected() *descriptor.File {
	if d := s.peer.Load(); d != nil && d.IsOurs() && s.bound.Load().isStillThere() {
		return d
	}
	return nil
}

// Send sends one datagram of up to MaxPieces pieces, without blocking. After ENOTCONN, call Connect.
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
	// A raw system call, because it does not block and so the scheduler need not know.
	_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(d.FD),
		uintptr(unsafe.Pointer(&message)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	return errno
}

// Connect connects the socket to the listener that is bound to path now, so that poll(2) sees that listener's queue. It
// opens the socket if it is not open.
func (s *Socket) Connect(path string) unix.Errno {
	if len(path) > MaxPath {
		return unix.ENAMETOOLONG
	}
	d, errno := s.descriptor()
	if errno != 0 {
		return errno
	}
	bound, errno := bindingOf(path)
	if errno != 0 {
		return errno
	}
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
	// Not a raw system call: the file system of the path may hang, and then only this call does.
	_, _, errno = unix.Syscall(unix.SYS_CONNECT, uintptr(d.FD), uintptr(unsafe.Pointer(&address)), size)
	if errno == 0 {
		s.bound.Store(bound)
		s.peer.Store(d)
	}
	return errno
}

// descriptor returns the open descriptor, or opens one.
func (s *Socket) descriptor() (*descriptor.File, unix.Errno) {
	old := s.open.Load()
	if old != nil && old.IsOurs() {
		return old, 0
	}
	opened, errno := openSocket()
	if errno != 0 {
		return nil, errno
	}
	// old is not closed: its number belongs to another file by now.
	if !s.open.CompareAndSwap(old, opened) {
		unix.Close(opened.FD)
		return s.open.Load(), 0
	}
	return opened, 0
}

func openSocket() (*descriptor.File, unix.Errno) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err.(unix.Errno)
	}
	d, err := descriptor.New(fd)
	if err != nil {
		return nil, err.(unix.Errno)
	}
	timeout := unix.NsecToTimeval(int64(sendTimeout))
	if err := unix.SetsockoptTimeval(d.FD, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &timeout); err != nil {
		d.Close()
		return nil, err.(unix.Errno)
	}
	return d, 0
}

// AwaitRoom waits until the peer's queue may have room. poll(2) times out within a tenth of a millisecond.
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
		ready, err := unix.Ppoll([]unix.PollFd{{Fd: int32(d.FD), Events: unix.POLLOUT}}, &timeout, nil)
		if err != unix.EINTR { // after SIGSTOP and SIGCONT
			return err == nil && ready > 0
		}
	}
}

// Close closes the socket. The next Connect opens it again.
func (s *Socket) Close() {
	s.peer.Store(nil)
	if d := s.open.Swap(nil); d != nil {
		d.Close()
	}
}

// HasRoom tells whether the peer's queue may have room now.
func (s *Socket) HasRoom() bool {
	d := s.open.Load()
	if d == nil {
		return false
	}
	ready, err := unix.Poll([]unix.PollFd{{Fd: int32(d.FD), Events: unix.POLLOUT}}, 0)
	return err == nil && ready > 0
}

// Unread returns how many bytes the peer has not read yet, the kernel's overhead included: unix(7), SIOCOUTQ.
func (s *Socket) Unread() int {
	d := s.open.Load()
	if d == nil || !d.IsOurs() {
		return 0
	}
	n, err := unix.IoctlGetInt(d.FD, unix.SIOCOUTQ)
	if err != nil {
		return 0
	}
	return n
}
