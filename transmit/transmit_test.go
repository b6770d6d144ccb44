package transmit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	socket "libtransmit/transmit/listener"
	"libtransmit/transmit/profile"
)

// replaceDescriptor makes fd one end of a socket pair and returns the other end.
func replaceDescriptor(t *testing.T, fd int) *net.UnixConn {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Dup3(pair[0], fd, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	unix.Close(pair[0])
	file := os.NewFile(uintptr(pair[1]), "pair")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); unix.Close(fd) })
	return conn.(*net.UnixConn)
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// drain reads datagrams away until the test ends.
func drain(t testing.TB, conn *net.UnixConn) {
	go func() {
		buf := make([]byte, 1<<20)
		for {
			if _, err := conn.Read(buf); err != nil {
				return
			}
		}
	}()
}

func TestSend_AllocatesNothing(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	drain(t, listen(t, path))
	tx, _ := newTransmitter(t, path)
	doc := sample(20, 20)
	for _, test := range []struct {
		name    string
		request SendRequest
	}{
		{"checked", SendRequest{JSON: doc}},
		{"trusted", SendRequest{JSON: doc, Trusted: true}},
		{"as is", SendRequest{JSON: doc, AsIs: true}},
		{"path given", SendRequest{JSON: doc, Socket: path}},
	} {
		t.Run(test.name, func(t *testing.T) {
			sent, got := 0, 1.0
			// Other goroutines' allocations are counted, too: of several tries, the best.
			for try := 0; try < 5 && got != 0; try++ {
				sent = 0
				got = testing.AllocsPerRun(100, func() {
					if outcome, _ := tx.Send(test.request); outcome == Sent {
						sent++
					}
				})
			}
			if got != 0 || sent == 0 {
				t.Errorf("%v allocations in %d sends", got, sent)
			}
		})
	}
}

// TestSend_Document is what becomes of a document on its way.
func TestSend_Document(t *testing.T) {
	const meta = `"_meta":{"timestamp":T,"php_version":"8.2.1","transmitter_version":"1.0","id":"I"`
	large := func(queries int) string {
		one := `{"sql":"SELECT ` + strings.Repeat("x", 1000) + `"}`
		return `{"sql":{"queries":[` + strings.TrimSuffix(strings.Repeat(one+",", queries), ",") + `]}`
	}
	for _, test := range []struct {
		name    string
		request SendRequest
		outcome Outcome
		want    string // T is the time; "" if it is the JSON itself
	}{
		{"meta is added", SendRequest{JSON: []byte(`{"a":1}`)}, Sent, `{"a":1,` + meta + `}}`},
		{"meta in an empty object", SendRequest{JSON: []byte(" { } ")}, Sent, `{ ` + meta + `}}`},
		{"meta is replaced", SendRequest{JSON: []byte(`{"_meta":{"x":[1]},"a":1}`)}, Sent, `{` + meta + `},"a":1}`},
		{"trusted", SendRequest{JSON: []byte("{\"a\":1}\n"), Trusted: true}, Sent, `{"a":1,` + meta + `}}`},
		{"as is", SendRequest{JSON: []byte(`no JSON at all`), AsIs: true}, Sent, ""},
		{"to disk", SendRequest{JSON: []byte(`{"a":1}`), ToDisk: true}, Buffered, `{"a":1,` + meta + `}}`},
		{"cut", SendRequest{JSON: []byte(large(120) + `}`)}, Buffered, large(100) + `,` + meta + `,"sql_truncated":true}}`},
		{"nothing to cut", SendRequest{JSON: []byte(large(100) + `}`)}, Buffered, large(100) + `,` + meta + `}}`},
		{"large as is", SendRequest{JSON: []byte(large(120) + `}`), AsIs: true}, Buffered, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(shortDir(t), "l")
			conn := listen(t, path)
			tx, dir := newTransmitter(t, path)
			mustConfigure(t, tx, `{"php_version":"8.2.1"}`)
			outcome, err := tx.Send(test.request)
			if outcome != test.outcome {
				t.Fatalf("%v, %v, want %v", outcome, err, test.outcome)
			}
			got, files := receive(t, conn), buffered(t, dir)
			if outcome == Buffered && (got != "" || len(files) != 1) || outcome == Sent && len(files) != 0 {
				t.Fatalf("received %d bytes, %d files", len(got), len(files))
			}
			if outcome == Buffered {
				got = files[0]
			}
			want := test.want
			if want == "" {
				want = string(test.request.JSON)
			}
			if got := metaID.ReplaceAllString(withoutTime(t, got), `"id":"I"`); got != want {
				t.Errorf("got  %.200s…%s\nwant %.200s…%s", got, tail(got), want, tail(want))
			}
		})
	}
}

var metaID = regexp.MustCompile(`"id":"[0-9a-f]{16}"`)

func tail(s string) string { return s[max(0, len(s)-120):] }

// withoutTime puts a T where the timestamp is, which must be now.
func withoutTime(t *testing.T, doc string) string {
	t.Helper()
	before, rest, found := strings.Cut(doc, `"timestamp":`)
	if !found {
		return doc
	}
	text, rest, _ := strings.Cut(rest, ",")
	var seconds float64
	if err := json.Unmarshal([]byte(text), &seconds); err != nil {
		t.Fatal(err)
	}
	if age := float64(time.Now().UnixMicro())/1e6 - seconds; age < 0 || age > 5 {
		t.Errorf("timestamp is %v s old", age)
	}
	return before + `"timestamp":T,` + rest
}

// TestSend_Fits goes around max_datagram_size, with _meta counted in.
func TestSend_Fits(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	conn := listen(t, path)
	tx, dir := newTransmitter(t, path)
	tx.Send(SendRequest{JSON: []byte(`{"a":""}`)})
	overhead := len(receive(t, conn))
	for i, test := range []struct {
		size int
		want Outcome
	}{{65506, Sent}, {65507, Sent}, {65508, Buffered}} {
		doc := `{"a":"` + strings.Repeat("x", test.size-overhead) + `"}`
		outcome, err := tx.Send(SendRequest{JSON: []byte(doc)})
		got := len(receive(t, conn))
		if outcome == Buffered {
			got = len(buffered(t, dir)[0])
		}
		if outcome != test.want || got != test.size {
			t.Errorf("row %d: %v of %d bytes, %v, want %v of %d", i, outcome, got, err, test.want, test.size)
		}
	}
}

// The kernel takes less than the setting says: EMSGSIZE.
func TestSend_TooLargeForTheKernel(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	conn := listen(t, path)
	tx, dir := newTransmitter(t, path)
	mustConfigure(t, tx, `{"max_datagram_size":16777216}`)
	doc := sample(10, 8000)
	if outcome, err := tx.Send(SendRequest{JSON: doc}); outcome != Sent {
		t.Fatal(outcome, err)
	}
	if got := receive(t, conn); !strings.Contains(got, `"sql_truncated":true`) {
		t.Errorf("received %d bytes without a mark", len(got))
	}
	doc = []byte(`{"a":"` + strings.Repeat("x", 1<<20) + `"}`)
	outcome, err := tx.Send(SendRequest{JSON: doc})
	if outcome == NotTaken || !errors.Is(err, socket.ErrTooLarge) || !tx.Flush(5*time.Second) || len(buffered(t, dir)) != 1 {
		t.Error(outcome, err)
	}
}

func TestSend_RefusesAndLeavesNothing(t *testing.T) {
	for _, test := range []struct {
		name, doc string
		want      error
	}{
		{"cut off", `{"a":`, profile.ErrSyntax},
		{"a list", `[1]`, profile.ErrNotObject},
		{"too deep", strings.Repeat(`{"a":`, profile.MaxDepth+1) + `1` + strings.Repeat(`}`, profile.MaxDepth+1), profile.ErrDepth},
		{"not UTF-8", "{\"a\":\"\xff\"}", profile.ErrUTF8},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(shortDir(t), "l")
			conn := listen(t, path)
			tx, dir := newTransmitter(t, path)
			outcome, err := tx.Send(SendRequest{JSON: []byte(test.doc)})
			if outcome != NotTaken || !errors.Is(err, test.want) {
				t.Errorf("%v, %v, want NotTaken, %v", outcome, err, test.want)
			}
			if got := receive(t, conn); got != "" || len(buffered(t, dir)) != 0 {
				t.Errorf("received %q, buffered %q", got, buffered(t, dir))
			}
		})
	}
}

// When time is up, what is alwaysRead is checked and copied all the same.
func TestSend_TimeIsUp(t *testing.T) {
	for _, test := range []struct {
		name    string
		size    int
		outcome Outcome
		files   int
	}{
		{"small", 100, Pending, 3},
		{"a megabyte", 1 << 20, Pending, 3},
		{"large", 2 * alwaysRead, NotTaken, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			tx, dir := newTransmitter(t, "/nonexistent")
			doc := []byte(`{"a":"` + strings.Repeat("x", test.size) + `"}`)
			for _, r := range []SendRequest{{JSON: doc}, {JSON: doc, Trusted: true}, {JSON: doc, AsIs: true}} {
				r.Spent = time.Second
				outcome, err := tx.Send(r)
				if outcome == Buffered && test.outcome == Pending {
					continue // the writer was faster than that
				}
				if outcome != test.outcome || !errors.Is(err, profile.ErrTimeUp) {
					t.Errorf("%v, %v, want %v", outcome, err, test.outcome)
				}
			}
			if !tx.Flush(5*time.Second) || len(buffered(t, dir)) != test.files {
				t.Errorf("%d files", len(buffered(t, dir)))
			}
		})
	}
}

// Counts in are counts out, from many threads, with a listener that comes and goes. A disk that
// hangs may make the writer refuse some: the callers know which, and those are nowhere.
// listenAndRestart is a listener that starts again after every 100 profiles, until stop is closed.
func listenAndRestart(t *testing.T, path string, received chan<- string, stop <-chan struct{}) {
	readAll := func(conn *net.UnixConn) {
		for text := receive(t, conn); text != ""; text = receive(t, conn) {
			received <- text
		}
	}
	for {
		conn := listen(t, path)
		for range 100 {
			if text := receive(t, conn); text != "" {
				received <- text
			}
			select {
			case <-stop:
				readAll(conn)
				return
			default:
			}
		}
		// The queue of a listener that ends is lost, so this one first refuses new profiles and reads its queue.
		os.Remove(path)
		conn.CloseRead()
		readAll(conn)
		conn.Close()
	}
}

func TestSend_ManyThreads(t *testing.T) {
	const threads, each = 16, 200
	path := filepath.Join(shortDir(t), "l")
	tx, dir := newTransmitter(t, path)
	got := make(map[string]int)
	received := make(chan string, threads*each)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		listenAndRestart(t, path, received, stop)
	}()
	var wg sync.WaitGroup
	var refused atomic.Int64
	for thread := range threads {
		wg.Go(func() {
			for i := range each {
				doc := fmt.Sprintf(`{"id":"%d-%d"}`, thread, i)
				outcome, err := tx.Send(SendRequest{JSON: []byte(doc)})
				if errors.Is(err, ErrBusy) {
					refused.Add(1)
				} else if outcome == NotTaken {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if !tx.Flush(5 * time.Second) {
		t.Error("not flushed")
	}
	close(stop)
	<-stopped
	close(received)
	for text := range received {
		got[id(t, text)]++
	}
	for _, text := range buffered(t, dir) {
		got[id(t, text)]++
	}
	if len(got) != threads*each-int(refused.Load()) {
		t.Errorf("%d of %d profiles are there, and %d were refused", len(got), threads*each, refused.Load())
	}
	for name, count := range got {
		if count != 1 {
			t.Errorf("%s is there %d times", name, count)
		}
	}
}

func id(t *testing.T, text string) string {
	t.Helper()
	var doc struct{ ID string }
	if err := json.NewDecoder(bytes.NewBufferString(text)).Decode(&doc); err != nil {
		t.Errorf("%v in %q", err, text)
	}
	return doc.ID
}
