package tests

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// listener is a listener daemon in the test itself, which keeps what it receives.
type listener struct {
	t    *testing.T
	conn *net.UnixConn
	done chan struct{}

	mu       sync.Mutex
	received [][]byte
}

func listen(t *testing.T, path string) *listener {
	t.Helper()
	os.Remove(path)
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	check(t, err)
	check(t, os.Chmod(path, 0o777))
	l := &listener{t: t, conn: conn, done: make(chan struct{})}
	go l.receive()
	t.Cleanup(l.close)
	return l
}

func (l *listener) receive() {
	defer close(l.done)
	room := make([]byte, 1<<20)
	for {
		n, err := l.conn.Read(room)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		l.mu.Lock()
		l.received = append(l.received, append([]byte(nil), room[:n]...))
		l.mu.Unlock()
	}
}

// close is the daemon's end: its socket stays as a file, as after a crash.
func (l *listener) close() {
	l.conn.Close()
	<-l.done
}

func (l *listener) all() [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([][]byte(nil), l.received...)
}

// await returns the datagrams as soon as there are n, which fails the test if
// they do not come, or more do.
func (l *listener) await(n int) [][]byte {
	l.t.Helper()
	until(l.t, 10*time.Second, "datagrams", func() bool { return len(l.all()) >= n })
	all := l.all()
	if len(all) != n {
		l.t.Fatalf("%d datagrams arrived, want %d", len(all), n)
	}
	for _, datagram := range all {
		if !json.Valid(datagram) {
			l.t.Fatalf("the datagram is not one JSON document: %.200q", datagram)
		}
	}
	return all
}
