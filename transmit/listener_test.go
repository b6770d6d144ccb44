package transmit

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	socket "libtransmit/transmit/listener"
)

// shortDir is a directory whose paths fit into a socket address.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "tx")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// listen binds a real listener to path.
func listen(t testing.TB, path string) *net.UnixConn {
	t.Helper()
	os.Remove(path) // net's datagram sockets leave theirs behind
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// receive returns the next datagram, "" if there is none.
func receive(t testing.TB, conn *net.UnixConn) string {
	t.Helper()
	buf := make([]byte, 1<<20)
	conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	n, err := conn.Read(buf)
	if err != nil && !os.IsTimeout(err) {
		t.Fatal(err)
	}
	return string(buf[:n])
}

// newTransmitter sends to path and buffers in the second result.
func newTransmitter(t testing.TB, path string) (*Transmitter, string) {
	t.Helper()
	dir := t.TempDir()
	tx := New(t.TempDir())
	mustConfigure(t, tx, `{"listener_socket":"`+path+`","buffer_dirs":["`+dir+`"]}`)
	t.Cleanup(func() { tx.Flush(5 * time.Second) }) // before dir is removed
	return tx, dir
}

func mustConfigure(t testing.TB, tx *Transmitter, settings string) {
	t.Helper()
	if err := tx.Configure([]byte(settings)); err != nil {
		t.Fatal(err)
	}
}

// buffered returns what the files in dir hold.
func buffered(t testing.TB, dir string) (texts []string) {
	t.Helper()
	for _, name := range mustGlob(t, dir) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}

func mustGlob(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "profile_*.json"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// sample is a profile as json_encode writes it.
func sample(functions, queries int) []byte {
	repeated := func(n int, row string) string { return strings.TrimSuffix(strings.Repeat(row+",", n), ",") }
	return []byte(`{"elapsed_ms":812.53,"xhprof":{"profiling":{"top_functions":[` +
		repeated(functions, `{"function":"Shop\\Repository::find==>PDOStatement::execute","calls":7,"wall_time":900000}`) +
		`]}},"sql":{"queries":[` +
		repeated(queries, `{"sql":"SELECT p.id, p.name, p.price FROM products p JOIN categories c ON c.id = p.category_id WHERE c.slug = 'shoes' AND p.visible = 1 ORDER BY p.created_at DESC LIMIT 50","time_ms":12.9,"rows":40,"file":"/var/www/shop/src/Catalog/Repository.php","line":80}`) +
		`]}}`)
}

// fill makes the listener's queue full. The listener does not read, as if it were stopped.
func fill(t testing.TB, path string) (sent int) {
	t.Helper()
	tx, _ := newTransmitter(t, path)
	for {
		outcome, _ := tx.Send(SendRequest{JSON: []byte(`{"fill":1}`), Timeout: time.Millisecond})
		if outcome != Sent {
			return sent
		}
		sent++
	}
}

// TestSend_Listener has a row for each line of listener.send's table.
func TestSend_Listener(t *testing.T) {
	for _, test := range []struct {
		name    string
		prepare func(t *testing.T, path string)
		want    string // of the error; "" if the listener takes it
	}{
		{"takes it", func(t *testing.T, path string) { listen(t, path) }, ""},
		{"absent", func(*testing.T, string) {}, "no such file"},
		{"dead", func(t *testing.T, path string) {
			listen(t, path).Close()
		}, "connection refused"},
		{"wedged", func(t *testing.T, path string) { listen(t, path); fill(t, path) }, "queue is full"},
		{"a stream socket", func(t *testing.T, path string) {
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
		}, "not a datagram socket"},
		{"a directory", func(t *testing.T, path string) { os.Mkdir(path, 0o755) }, "connection refused"},
		{"a file", func(t *testing.T, path string) { os.WriteFile(path, nil, 0o644) }, "connection refused"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(shortDir(t), "l")
			test.prepare(t, path)
			tx, dir := newTransmitter(t, path)
			start := time.Now()
			outcome, err := tx.Send(SendRequest{JSON: []byte(`{"a":1}`)})
			if took := time.Since(start); took > 70*time.Millisecond {
				t.Errorf("took %v", took)
			}
			if test.want == "" {
				if outcome != Sent || err != nil {
					t.Errorf("%v, %v, want Sent", outcome, err)
				}
				return
			}
			if outcome != Buffered || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, %v, want Buffered, %s", outcome, err, test.want)
			}
			if files := buffered(t, dir); len(files) != 1 || !strings.HasPrefix(files[0], `{"a":1,"_meta":{`) {
				t.Errorf("buffered %q", files)
			}
		})
	}
}

func TestSend_PathLength(t *testing.T) {
	dir := shortDir(t)
	for _, length := range []int{socket.MaxPath - 1, socket.MaxPath, socket.MaxPath + 1} {
		path := filepath.Join(dir, strings.Repeat("x", length-len(dir)-1))
		if length <= socket.MaxPath {
			listen(t, path)
		}
		tx, _ := newTransmitter(t, path)
		outcome, err := tx.Send(SendRequest{JSON: []byte(`{}`)})
		if fits := length <= socket.MaxPath; fits != (outcome == Sent) || fits == (err != nil) {
			t.Errorf("%d bytes: %v, %v", length, outcome, err)
		}
	}
}

func TestSend_ReachesARestartedListener(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	tx, _ := newTransmitter(t, path)
	for i := range 3 {
		conn := listen(t, path)
		if outcome, err := tx.Send(SendRequest{JSON: []byte(`{}`)}); outcome != Sent {
			t.Fatalf("start %d: %v, %v", i, outcome, err)
		}
		if receive(t, conn) == "" {
			t.Errorf("start %d: nothing received", i)
		}
		conn.Close()
		if outcome, _ := tx.Send(SendRequest{JSON: []byte(`{}`)}); outcome != Buffered {
			t.Errorf("after end %d: %v", i, outcome)
		}
	}
}

// A new listener is bound to the path while the old one is stuck with a full queue.
func TestSend_ReachesTheListenerThatIsBoundNow(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	listen(t, path)
	tx, _ := newTransmitter(t, path)
	for outcome := Sent; outcome == Sent; {
		outcome, _ = tx.Send(SendRequest{JSON: []byte(`{"old":1}`), Timeout: time.Millisecond})
	}
	conn := listen(t, path)
	if outcome, err := tx.Send(SendRequest{JSON: []byte(`{"new":1}`)}); outcome != Sent {
		t.Fatal(outcome, err)
	}
	if got := receive(t, conn); !strings.HasPrefix(got, `{"new":1`) {
		t.Errorf("received %q", got)
	}
}

// After one wait that timed out, no call waits until a datagram was sent.
func TestSend_BacksOffFromAWedgedListener(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	conn := listen(t, path)
	fill(t, path)
	tx, _ := newTransmitter(t, path)
	send := func() (Outcome, time.Duration) {
		start := time.Now()
		outcome, _ := tx.Send(SendRequest{JSON: []byte(`{}`)})
		return outcome, time.Since(start)
	}
	outcome, took := send()
	if outcome == Sent || outcome == NotTaken || took < 37*time.Millisecond || took > 70*time.Millisecond {
		t.Errorf("first: %v after %v, want Buffered after 38 ms", outcome, took)
	}
	fastest := time.Hour
	for range 5 {
		outcome, took = send()
		fastest = min(fastest, took)
	}
	if outcome != Buffered || fastest > 20*time.Millisecond {
		t.Errorf("in the pause: %v after %v, want Buffered at once", outcome, fastest)
	}
	for receive(t, conn) != "" {
	}
	if outcome, _ := send(); outcome != Sent {
		t.Errorf("with room again: %v", outcome)
	}
	fill(t, path)
	if outcome, took = send(); outcome == Sent || outcome == NotTaken || took < 37*time.Millisecond {
		t.Errorf("after the pause was ended: %v after %v, want a wait", outcome, took)
	}
}

func TestBackoff_Grows(t *testing.T) {
	var b backoff
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		b.extend("")
		if got := time.Duration(b.own.pause.Load()); got != want*time.Second || !b.active("") {
			t.Errorf("pause %v, active %v, want %v s", got, b.active(""), int(want))
		}
	}
	b.notice()
	b.reset("")
	if b.active("") {
		t.Error("active after reset")
	}
}

// The process that has noticed a full queue may end, and then no success resets the shared back-off: a new one is as long
// as the first one was.
func TestBackoff_IsForgotten(t *testing.T) {
	for _, c := range []struct {
		name  string
		ended time.Duration // before now
		want  time.Duration
	}{
		{"just ended", time.Second, 16 * time.Second},
		{"ended long ago", longestPause + time.Second, firstPause},
	} {
		var b backoff
		b.own.pause.Store(int64(8 * time.Second))
		b.own.until.Store(monotonic() - int64(c.ended))
		if length, _ := b.begin("", time.Now().Add(time.Millisecond)); length != waitToDeadline {
			t.Errorf("%s: %v, want a wait to the deadline", c.name, length)
		}
		b.extend("")
		if got := time.Duration(b.own.pause.Load()); got != c.want {
			t.Errorf("%s: pause %v, want %v", c.name, got, c.want)
		}
	}
}

// Of several processes that share a state, one waits to its deadline and the others briefly. After a wait that timed out,
// none waits. A process that was killed while it waited does not prolong this, and neither does an impossible time.
func TestBackoff_IsShared(t *testing.T) {
	shared := map[string]*WaitState{"a": {}, "b": {}}
	defer func(before func(string) *WaitState) { sharedWait = before }(sharedWait)
	sharedWait = func(path string) *WaitState { return shared[path] }
	var one, other backoff
	begin := func(b *backoff, path string, want waitLength) {
		t.Helper()
		if got, _ := b.begin(path, time.Now().Add(30*time.Millisecond)); got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	begin(&one, "a", waitToDeadline)
	begin(&other, "a", waitBriefly)
	begin(&other, "b", waitToDeadline)
	time.Sleep(35 * time.Millisecond) // as if it was killed
	begin(&other, "a", waitToDeadline)
	other.extend("a")
	begin(&one, "a", noWait)
	one.notice()
	one.reset("a")
	begin(&other, "a", waitToDeadline)
	shared["a"].until.Store(monotonic() + int64(time.Hour))
	begin(&one, "a", waitToDeadline)
}

// nextDescriptor is the number that the next descriptor has.
func nextDescriptor(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	return fd
}

// A host closes descriptors that it does not know, and gets their numbers back.
func TestSend_LeavesAReusedDescriptorAlone(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	conn := listen(t, path)
	tx, _ := newTransmitter(t, path)
	fd := nextDescriptor(t) // which the socket gets
	tx.Send(SendRequest{JSON: []byte(`{}`)})
	receive(t, conn)
	other := replaceDescriptor(t, fd)
	if outcome, err := tx.Send(SendRequest{JSON: []byte(`{"b":1}`)}); outcome != Sent {
		t.Fatal(outcome, err)
	}
	if got := receive(t, conn); !strings.HasPrefix(got, `{"b":1`) {
		t.Errorf("listener received %q", got)
	}
	if got := receive(t, other); got != "" {
		t.Errorf("the host's socket received %q", got)
	}
}

func TestSend_ManyPaths(t *testing.T) {
	dir := shortDir(t)
	tx, _ := newTransmitter(t, filepath.Join(dir, "configured"))
	before := openDescriptors(t)
	for round := range 3 {
		for i := range 2 * maxListeners {
			path := filepath.Join(dir, string(rune('a'+i)))
			conn := listen(t, path)
			if outcome, err := tx.Send(SendRequest{JSON: []byte(`{}`), Socket: path}); outcome != Sent {
				t.Fatalf("round %d, path %d: %v, %v", round, i, outcome, err)
			}
			conn.Close()
		}
	}
	if kept := openDescriptors(t) - before; kept > maxListeners {
		t.Errorf("%d descriptors are kept, want %d at most", kept, maxListeners)
	}
}
