package transmit

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// maxListeners bounds the sockets that are kept: a host has one listener, or a
// few in tests. Others get a socket for one send.
const maxListeners = 16

// listeners are the sockets that are kept between calls, one for each path.
type listeners struct {
	mu     sync.Mutex
	byPath map[string]*listener
}

// find returns the listener at path, or configured if path is "" or the same.
// The caller releases it.
func (ls *listeners) find(path string, configured *listener) *listener {
	if path == "" || path == configured.path {
		return configured.own()
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l := ls.byPath[path]; l != nil {
		return l
	}
	l := newListener(path)
	if len(ls.byPath) >= maxListeners {
		l.once = true
		return l
	}
	if ls.byPath == nil {
		ls.byPath = make(map[string]*listener)
	}
	ls.byPath[l.path] = l
	return l
}

// listener is the receiver at one path, and our socket to it.
type listener struct {
	path    string
	socket  socket
	backoff backoff
	once    bool
}

func newListener(path string) *listener {
	// path may be the caller's memory.
	return &listener{path: string([]byte(path))}
}

// own returns l, or, if its socket is not kept, one for this send alone: nobody
// else may be sending when it is closed.
func (l *listener) own() *listener {
	if l.once {
		return &listener{path: l.path, once: true}
	}
	return l
}

// release gives the socket back if it is not kept.
func (l *listener) release() {
	if l.once {
		l.socket.close()
	}
}

// errTooLarge means that the profile does not fit into one datagram.
var errTooLarge = errors.New("too large for a datagram")

// send offers the document to the listener until the deadline.
//
//	listener                             what happens
//	takes it                             nil
//	was restarted, or not yet known      connects once, tries again
//	queue full                           connects anew (another may be bound to
//	                                     the path by now), waits for room
//	queue was full until the deadline    error; the next calls do not wait
//	too large, or anything else          error
func (l *listener) send(out pieces, until time.Time) error {
	return l.attempt(func() unix.Errno { return l.socket.send(out) }, until)
}

// attempt is send's way for whatever is sent.
func (l *listener) attempt(send func() unix.Errno, until time.Time) error {
	errno := send()
	if errno != 0 && isWorthConnecting(errno) {
		if errno := l.socket.connect(l.path); errno != 0 {
			return l.failed("connect to", errno)
		}
		count(Connected)
		errno = send()
	}
	if errno == unix.EAGAIN {
		errno = l.wait(send, until)
	}
	if errno != 0 {
		return l.failed("send to", errno)
	}
	l.backoff.reset()
	return nil
}

// wait sends as soon as there is room in the queue. All workers of a host meet a
// wedged listener at once, so after a wait in vain none waits for a while.
func (l *listener) wait(send func() unix.Errno, until time.Time) unix.Errno {
	if l.backoff.active() {
		return unix.EAGAIN
	}
	for {
		if !l.socket.awaitRoom(until) {
			l.backoff.extend()
			count(WaitInVain)
			return unix.EAGAIN
		}
		if errno := send(); errno != unix.EAGAIN {
			return errno
		}
	}
}

// isWorthConnecting: the socket is not connected (any more), or its peer may not
// be the one that is bound to the path now.
func isWorthConnecting(errno unix.Errno) bool {
	switch errno {
	case unix.ENOTCONN, unix.ECONNREFUSED, unix.ECONNRESET, unix.EPIPE, unix.ENOENT, unix.EAGAIN:
		return true
	}
	return false
}

func (l *listener) failed(operation string, errno unix.Errno) error {
	switch errno {
	case unix.EMSGSIZE, unix.ENOBUFS:
		return fmt.Errorf("%w: %s %s: %w", errTooLarge, operation, l.path, errno)
	case unix.EAGAIN:
		return fmt.Errorf("%s %s: its queue is full: %w", operation, l.path, errno)
	case unix.EPROTOTYPE:
		return fmt.Errorf("%s %s: not a datagram socket: %w", operation, l.path, errno)
	case unix.ENAMETOOLONG:
		return fmt.Errorf("%s %.64s…: the path has %d bytes, a socket's has %d at most: %w",
			operation, l.path, len(l.path), maxSocketPath, errno)
	}
	return fmt.Errorf("%s %s: %w", operation, l.path, errno)
}
