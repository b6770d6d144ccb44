package transmit

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	socket "libtransmit/transmit/listener"
	"libtransmit/transmit/profile"
)

// errNoFile is why a document did not become a memfd.
var errNoFile = fmt.Errorf("%w, and no memfd", socket.ErrTooLarge)

// sendSealed offers a document that is larger than a datagram as a memfd, as systemd's journal client does: the
// datagram is empty and carries the descriptor (SCM_RIGHTS) of a file that nobody can change any more. Like send, it
// waits for room; it fails when the file is not made within the limit.
func (l *listener) sendSealed(out pieces, making profile.Limit, until time.Time) error {
	// To make it costs more than to ask.
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
