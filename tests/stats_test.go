package tests

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// counted is one side of transmit_stats.
type counted struct {
	PID           int            `json:"pid"`
	Processes     int            `json:"processes"`
	Sent          int            `json:"sent"`
	SentBytes     int            `json:"sent_bytes"`
	Buffered      int            `json:"buffered"`
	Pending       int            `json:"pending"`
	BufferedBytes int            `json:"buffered_bytes"`
	WrittenLater  int            `json:"written_later"`
	LostLater     int            `json:"lost_later"`
	Shrunk        int            `json:"shrunk"`
	WaitsInVain   int            `json:"waits_in_vain"`
	Connects      int            `json:"connects"`
	Replayed      int            `json:"replayed"`
	Refused       map[string]int `json:"refused"`
	Lost          map[string]int `json:"lost"`
	Latency       map[string]int `json:"latency_us"`
	LatencySum    int            `json:"latency_sum_us"`
	LastSent      *int64         `json:"last_sent"`
	LastFailure   *struct {
		Time   int64  `json:"time"`
		Result int    `json:"result"`
		Text   string `json:"text"`
	} `json:"last_failure"`
}

type stats struct {
	Process   counted  `json:"process"`
	Pool      *counted `json:"pool"`
	PoolError string   `json:"pool_error"`
	Go        string   `json:"go"`
}

// calls are all that were counted: each is in one place of the histogram.
func (c counted) calls() (calls, timed int) {
	calls = c.Sent + c.Buffered + c.Pending
	for _, causes := range []map[string]int{c.Refused, c.Lost} {
		for _, n := range causes {
			calls += n
		}
	}
	for _, n := range c.Latency {
		timed += n
	}
	return calls, timed
}

func (d *driver) stats() (s stats) {
	d.t.Helper()
	d.tell("stats")
	line := d.line()
	if err := json.Unmarshal([]byte(line), &s); err != nil {
		d.t.Fatalf("%v: %s", err, line)
	}
	return s
}

// poolFile is where an ordinary driver counts. The test removes it at its end.
func poolFile(t *testing.T) string {
	t.Helper()
	uid := os.Geteuid()
	if uid == 0 {
		uid = nobody
	}
	return poolFileOf(t, uid)
}

// poolFileOf is where this user's processes count, and when they logged last.
func poolFileOf(t *testing.T, uid int) string {
	t.Helper()
	path := fmt.Sprintf("/dev/shm/libtransmit-%d.1", uid)
	remove := func() { os.Remove(path) }
	remove()
	t.Cleanup(remove)
	return path
}

// Each outcome is counted where it belongs, with its bytes and its time.
// makeCalls makes 18 calls of all kinds: 10 are sent, 5 buffered, 3 refused. The replay sends 3 of those that are buffered.
func makeCalls(t *testing.T, s scene, d *driver, document []byte) {
	d.configure(s.settings(nil))
	d.load(document)
	d.sends(3, 0, "-") // no listener
	l := listen(t, s.socket)
	d.sends(5, 0, "-")
	d.sends(4, flagTrusted, "-") // without Go
	d.sends(2, 32, "-")          // no such flag
	l.await(9)
	d.send([]byte(`{`))
	if a := d.ask("replay 0 50000"); a.result != 3 {
		t.Errorf("replay: %+v", a)
	}
	d.send(profile())
	l.close()
	d.load(document)
	d.sends(2, flagToDisk, "-")
	d.settle()
}

func TestStats_Process(t *testing.T) {
	poolFile(t)
	s := newScene(t)
	d := ordinaryDriver(t, s)
	if got := d.stats(); got.Process.Sent != 0 || got.Process.LastSent != nil || got.Process.LastFailure != nil || got.Process.PID != d.pid() {
		t.Errorf("before the first call: %+v", got.Process)
	}
	document := []byte(`{"id":"########"}`)
	makeCalls(t, s, d, document)

	got := d.stats().Process
	// Go, the sends without it, and the replay have sockets of their own.
	want := counted{PID: d.pid(), Sent: 10, Shrunk: 1, Replayed: 3, Connects: 3,
		SentBytes: 9*len(document) + len(profile())}
	got.Buffered, got.Pending = got.Buffered+got.WrittenLater, got.Pending-got.WrittenLater // a slow disk
	for _, c := range []struct {
		name      string
		got, want int
	}{
		{"sent", got.Sent, want.Sent}, {"sent_bytes", got.SentBytes, want.SentBytes},
		{"buffered", got.Buffered, 5}, {"buffered_bytes", got.BufferedBytes, 5 * len(document)},
		{"pending", got.Pending, 0}, {"lost_later", got.LostLater, 0},
		{"shrunk", got.Shrunk, 1}, {"replayed", got.Replayed, 3}, {"connects", got.Connects, want.Connects},
		{"refused: invalid", got.Refused["invalid"], 2}, {"refused: syntax", got.Refused["syntax"], 1},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", c.name, c.got, c.want)
		}
	}
	if calls, timed := got.calls(); calls != 18 || timed != calls {
		t.Errorf("%d calls, %d timed, want 18", calls, timed)
	}
	if at := got.LastSent; at == nil || time.Since(time.Unix(*at, 0)).Abs() > time.Minute {
		t.Errorf("last sent: %v", at)
	}
	if f := got.LastFailure; f == nil || f.Result != buffered || time.Since(time.Unix(f.Time, 0)) > time.Minute {
		t.Errorf("last failure: %+v", f)
	}
}

// A wait that timed out, and profiles that a slow disk takes later, are counted.
func TestStats_Wedged(t *testing.T) {
	poolFile(t)
	s := newScene(t)
	p := daemon(t, s.socket)
	check(t, os.Chmod(s.socket, 0o666))
	d := ordinaryDriver(t, s)
	d.configure(s.settings(nil))
	wedge(t, p)
	d.load(padded(1000))
	d.sends(40, 0, "-")
	d.settle()
	got := d.stats().Process
	if got.WaitsInVain != 1 || got.Sent+got.Buffered+got.Pending != 40 || got.WrittenLater != got.Pending {
		t.Errorf("%+v", got)
	}
	if got.LatencySum < 30_000 {
		t.Errorf("%d µs in all, with a wait of some 38 ms", got.LatencySum)
	}
}

// The pool is the sum of all processes, including those that were killed. A new process continues in the slot of one
// that has ended.
func TestStats_Pool(t *testing.T) {
	path := poolFile(t)
	s := newScene(t)
	l := listen(t, s.socket)
	const each = 500
	var drivers []*driver
	for range 4 {
		d := ordinaryDriver(t, s)
		d.configure(s.settings(nil))
		d.load(padded(100))
		drivers = append(drivers, d)
	}
	var all sync.WaitGroup
	for _, d := range drivers {
		all.Go(func() { d.sends(each, flagTrusted, "-") })
	}
	all.Wait()
	sent := 4*each - len(s.profiles(t)) // on a busy machine, the listener may be too late for one
	l.await(sent)
	drivers[0].kill()
	last := drivers[3].stats()
	if got := last.Pool; got == nil || got.Sent != sent || got.Processes != 3 || got.SentBytes != sent*len(padded(100)) {
		t.Errorf("pool: %+v %s", got, last.PoolError)
	}
	if got := last.Process; got.Sent+got.Buffered+got.Pending != each {
		t.Errorf("one process: %+v, want %d", got, each)
	}
	// Each takes the place of the one before: there are fewer places than processes.
	for range 20 {
		d := ordinaryDriver(t, s)
		d.configure(s.settings(nil))
		d.load(padded(100))
		d.sends(1, 0, "-")
		if got := d.stats().Process; got.Sent != 1 || got.LastSent == nil {
			t.Fatalf("a new process has sent %d, at %v", got.Sent, got.LastSent)
		}
		d.exit()
	}
	l.await(sent + 20)
	if got := drivers[3].stats().Pool; got.Sent != sent+20 || got.Processes != 3 {
		t.Errorf("pool: %+v", got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 || info.Size() > 1<<20 {
		t.Errorf("the file: %+v, %v", info, err)
	}
}

// Something else is at the path of the pool's file: no file of another user is changed, and the process has counters of
// its own.
func TestStats_NoPool(t *testing.T) {
	needRoot(t)
	for _, c := range []struct {
		name string
		make func(path, other string) error
		says string
	}{
		{"a link", func(path, other string) error { return os.Symlink(other, path) }, "open: error"},
		{"a hard link", func(path, other string) error { return os.Link(other, path) }, "another user"},
		{"a directory", func(path, other string) error { return os.Mkdir(path, 0o777) }, "open: error"},
		{"readable by others", func(path, other string) error {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				return err
			}
			if err := os.Chown(path, nobody, nobody); err != nil {
				return err
			}
			return os.Chmod(path, 0o644)
		}, "another user"},
		{"another user's", func(path, other string) error { return os.WriteFile(path, []byte("mine"), 0o666) }, "error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := poolFile(t)
			s := newScene(t)
			other := filepath.Join("/dev/shm", filepath.Base(s.dir))
			check(t, os.WriteFile(other, []byte("theirs"), 0o600))
			check(t, os.Chown(other, nobody, nobody))
			t.Cleanup(func() { os.Remove(other) })
			check(t, c.make(path, other))
			l := listen(t, s.socket)
			d := ordinaryDriver(t, s)
			d.configure(s.settings(nil))
			d.load(padded(100))
			d.sends(3, 0, "-")
			l.await(3)
			got := d.stats()
			if got.Pool != nil || !strings.Contains(got.PoolError, c.says) || got.Process.Sent != 3 {
				t.Errorf("%+v", got)
			}
			if text := read(t, other); text != "theirs" {
				t.Errorf("the other file has %d bytes", len(text))
			}
		})
	}
}

// A child that was forked before the first call has a slot of its own.
func TestStats_Fork(t *testing.T) {
	poolFile(t)
	s := newScene(t)
	listen(t, s.socket)
	cmd := exec.Command(program(t, "fork"), s.settings(nil), "generations")
	if os.Geteuid() == 0 {
		cmd = as(nobody, cmd)
	}
	succeed(t, 20*time.Second, cmd)
	d := ordinaryDriver(t, s)
	if got := d.stats().Pool; got == nil || got.Sent+got.Buffered != 5 {
		t.Errorf("%+v", got)
	}
}
