package listener

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// ErrTooLarge means that the profile does not fit into one datagram.
var ErrTooLarge = errors.New("too large for a datagram")

// IsWorthConnecting tells whether connecting again may help: the socket is not connected any more, or another listener
// may be bound to the path by now.
func IsWorthConnecting(errno unix.Errno) bool {
	switch errno {
	case unix.ENOTCONN, unix.ECONNREFUSED, unix.ECONNRESET, unix.EPIPE, unix.ENOENT, unix.EAGAIN:
		return true
	}
	return false
}

// Failed returns the error of an operation, such as "send to", on the listener at path.
func Failed(operation, path string, errno unix.Errno) error {
	switch errno {
	case unix.EMSGSIZE, unix.ENOBUFS:
		return fmt.Errorf("%w: %s %s: %w", ErrTooLarge, operation, path, errno)
	case unix.EAGAIN:
		return fmt.Errorf("%s %s: its queue is full: %w", operation, path, errno)
	case unix.EPROTOTYPE:
		return fmt.Errorf("%s %s: not a datagram socket: %w", operation, path, errno)
	case unix.EPERM:
		return fmt.Errorf("%s %s: it, or a link to it, belongs neither to listener_user nor to root: %w", operation, path, errno)
	case unix.ENAMETOOLONG:
		return fmt.Errorf("%s %.64s…: the path has %d bytes, a socket's has %d at most: %w",
			operation, path, len(path), MaxPath, errno)
	}
	return fmt.Errorf("%s %s: %w", operation, path, errno)
}
