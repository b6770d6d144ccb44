package listener

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// bind is a receiver at a path that is short enough for a socket.
func bind(t *testing.T, kind int) (path string, fd int) {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "tl")
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "l")
	fd, err = unix.Socket(unix.AF_UNIX, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd); os.RemoveAll(dir) })
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	return path, fd
}

func TestSocket_SendsPiecesAsOneDatagram(t *testing.T) {
	path, fd := bind(t, unix.SOCK_DGRAM)
	var s Socket
	defer s.Close()
	if errno := s.Send([][]byte{[]byte("a")}); errno != unix.ENOTCONN {
		t.Errorf("before it is connected: %v", errno)
	}
	if errno := s.Connect(path); errno != 0 {
		t.Fatal(errno)
	}
	if errno := s.Send([][]byte{[]byte("head,"), nil, []byte("tail")}); errno != 0 {
		t.Fatal(errno)
	}
	got := make([]byte, 64)
	if n, err := unix.Read(fd, got); err != nil || string(got[:n]) != "head,tail" {
		t.Errorf("%q, %v", got[:max(n, 0)], err)
	}
}

// The kernel's own backstop is set, also where the descriptor had a low number at first.
func TestSocket_HasASendTimeout(t *testing.T) {
	path, _ := bind(t, unix.SOCK_DGRAM)
	var s Socket
	defer s.Close()
	if errno := s.Connect(path); errno != 0 {
		t.Fatal(errno)
	}
	timeout, err := unix.GetsockoptTimeval(s.open.Load().FD, unix.SOL_SOCKET, unix.SO_SNDTIMEO)
	if err != nil || timeout.Sec != 0 || timeout.Usec < 50_000 || timeout.Usec > 54_000 {
		t.Errorf("%+v, %v", timeout, err)
	}
}

func TestSocket_AwaitRoom(t *testing.T) {
	path, fd := bind(t, unix.SOCK_DGRAM)
	var s Socket
	defer s.Close()
	if errno := s.Connect(path); errno != 0 {
		t.Fatal(errno)
	}
	for s.Send([][]byte{[]byte("fill")}) == 0 {
	}
	if s.HasRoom() || s.AwaitRoom(time.Now().Add(5*time.Millisecond)) {
		t.Error("a full queue has room")
	}
	if _, err := unix.Read(fd, make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	if !s.HasRoom() || !s.AwaitRoom(time.Now().Add(time.Second)) {
		t.Error("a queue with room has none")
	}
}

func TestConnect_Fails(t *testing.T) {
	stream, _ := bind(t, unix.SOCK_STREAM)
	closed, fd := bind(t, unix.SOCK_DGRAM)
	unix.Close(fd)
	for _, test := range []struct {
		name, path string
		want       unix.Errno
		says       string
		isTooLarge bool
	}{
		{"absent", "/nonexistent/l", unix.ENOENT, "no such file", false},
		{"dead", closed, unix.ECONNREFUSED, "refused", false},
		{"a stream socket", stream, unix.EPROTOTYPE, "not a datagram socket", false},
		{"one byte too long", "/" + strings.Repeat("x", MaxPath), unix.ENAMETOOLONG, "the path has 108 bytes", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s Socket
			defer s.Close()
			errno := s.Connect(test.path)
			if err := Failed("connect to", test.path, errno); errno != test.want || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v: %v", errno, err)
			}
		})
	}
}

// A file's text cannot be changed, and stop ends the work.
func TestSeal(t *testing.T) {
	written := -1
	stop := func(n int) error { written = n; return nil }
	file, err := Seal([][]byte{[]byte("a"), []byte("bc")}, stop)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := unix.Pwrite(file.descriptor.FD, []byte("x"), 0); err == nil || written != 1 {
		t.Errorf("written to: %v; last asked at %d", err, written)
	}
	if _, err := Seal([][]byte{[]byte("a")}, func(int) error { return unix.ETIME }); err != unix.ETIME {
		t.Errorf("%v, want what stop returned", err)
	}
}
