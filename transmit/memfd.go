package transmit

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	socket "libtransmit/transmit/listener"
	"libtransmit/transmit/profile"
)

// errNoFile means that a document is too large and no memfd of it could be made.
var errNoFile = fmt.Errorf("%w, and no memfd", socket.ErrTooLarge)

// sendSealed sends a document that is larger than a datagram as a memfd, as systemd's journal client does. The datagram
// is empty and carries the descriptor (SCM_RIGHTS) of a sealed file, which no process can change. Like send, sendSealed
// waits for room. It fails if the file is not complete within the limit.
func (l *listener) sendSealed(out pieces, making profile.Limit, until time.Time) error {
	// Connecting first costs less than making a file that no listener takes.
	if errno := l.socket.Connect(l.path); errno != 0 {
		return socket.Failed("connect to", l.path, errno)
	}
	if l.backoff.active(l.path) && !l.socket.HasRoom() {
		return socket.Failed("send to", l.path, unix.EAGAIN)
	}
	file, err := socket.Seal(out, func(written int) error {
		if making.IsUp(written) {
			return profile.ErrTimeUp
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%w: %d bytes: %w", errNoFile, out.size(), err)
	}
	defer file.Close()
	return l.attempt(func() unix.Errno { return l.socket.SendFile(file) }, until)
}
