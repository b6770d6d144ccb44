package transmit

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// errNoFile is why a document did not become a memfd.
var errNoFile = fmt.Errorf("%w, and no memfd", errTooLarge)

// sendSealed offers a document that is larger than a datagram as a memfd, as systemd's journal client does: the
// datagram is empty and carries the descriptor (SCM_RIGHTS) of a file that nobody can change any more. Like send, it
// waits for room; it fails when the file is not made within the limit.
func (l *listener) sendSealed(out pieces, making limit, until time.Time) error {
	// To make it costs more than to ask.
	if errno := l.socket.connect(l.path); errno != 0 {
		return l.failed("connect to", errno)
	}
	if l.backoff.active() && !l.socket.hasRoom() {
		return l.failed("send to", unix.EAGAIN)
	}
	file, err := sealed(out, making)
	if err != nil {
		return fmt.Errorf("%w: %d bytes: %w", errNoFile, out.size(), err)
	}
	defer file.close()
	return l.attempt(func() unix.Errno { return l.socket.sendFile(file) }, until)
}

// sealed returns a memfd of the document that cannot be written to, made longer or made shorter.
func sealed(out pieces, making limit) (file *descriptor, err error) {
	file, err = newMemfd()
	if err != nil {
		return nil, err
	}
	err = fillFile(file, out, making)
	if err == nil {
		const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE | unix.F_SEAL_SEAL
		_, err = unix.FcntlInt(uintptr(file.fd), unix.F_ADD_SEALS, seals)
	}
	if err != nil {
		file.close()
		return nil, err
	}
	return file, nil
}

func newMemfd() (*descriptor, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate("profile", flags|unix.MFD_NOEXEC_SEAL)
	if err == unix.EINVAL { // Linux before 6.3
		fd, err = unix.MemfdCreate("profile", flags)
	}
	if err != nil {
		return nil, err
	}
	return newDescriptor(fd)
}

func fillFile(file *descriptor, out pieces, making limit) error {
	written := 0
	for _, piece := range out {
		for len(piece) > 0 {
			if making.isUp(written) {
				return ErrTimeUp
			}
			if !file.ours() {
				return unix.EBADF
			}
			n, err := unix.Write(file.fd, piece[:min(len(piece), copyAtOnce)])
			if err != nil && err != unix.EINTR {
				return err
			}
			n = max(n, 0)
			piece, written = piece[n:], written+n
		}
	}
	return nil
}

// sendFile sends an empty datagram with a descriptor, without blocking.
func (s *socket) sendFile(file *descriptor) unix.Errno {
	d := s.peer.Load()
	if d == nil || !d.ours() {
		return unix.ENOTCONN
	}
	if !file.ours() {
		return unix.EBADF
	}
	rights := unix.UnixRights(file.fd)
	message := unix.Msghdr{Control: unsafe.SliceData(rights)}
	message.SetControllen(len(rights))
	_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(d.fd),
		uintptr(unsafe.Pointer(&message)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	return errno
}
