package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var installs sync.Map // name of a program of listeners/install.sh → func() error, which builds it once

// installed builds a listener from its Go module and returns the program's path.
func installed(t *testing.T, name string) string {
	t.Helper()
	once, _ := installs.LoadOrStore(name, sync.OnceValue(func() error {
		out, err := exec.Command("listeners/install.sh", build+"/bin", name).CombinedOutput()
		if err != nil {
			return fmt.Errorf("listeners/install.sh %s: %w\n%s", name, err, out)
		}
		return nil
	}))
	check(t, once.(func() error)())
	return build + "/bin/" + name
}

// configured is a configuration of listeners/, with the scene's paths for the usual ones.
func (s scene) configured(t *testing.T, name string, more ...string) string {
	t.Helper()
	text, err := os.ReadFile("listeners/" + name)
	check(t, err)
	paths := strings.NewReplacer(append(more, "/var/run/bitville-apm/listener.sock", s.socket,
		"/var/lib/bitville-apm/buffer", s.buffer, "/var/lib/bitville-apm", s.dir)...)
	return s.write(t, name, paths.Replace(string(text)))
}

// daemon starts a listener and waits for its socket.
func (s scene) daemon(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	os.Remove(s.socket) // a killed listener's
	check(t, os.MkdirAll(s.buffer, 0o755))
	p := start(t, 3*time.Minute, cmd)
	until(t, 40*time.Second, cmd.Path+" listens", func() bool {
		_, err := os.Stat(s.socket)
		return err == nil || ended(p)
	})
	if ended(p) {
		t.Fatalf("%s: %v %s", cmd.Path, p.cmd.ProcessState, p.errors.String())
	}
	return p
}

// written are the lines that a listener has written, each of them a profile.
func (s scene) written() [][]byte {
	text, _ := os.ReadFile(s.dir + "/profiles")
	return bytes.Split(text, []byte("\n"))[:bytes.Count(text, []byte("\n"))]
}

// feed is a driver that sends profiles in lots, and remembers their ids.
type feed struct {
	*driver
	ids []string
}

// lot sends so many profiles, with ids of its own, and says how many the socket took.
func (f *feed) lot(name string, count int) (taken int) {
	f.t.Helper()
	f.load(fmt.Appendf(nil, `{"id":"%s-########","url":"/%[1]s","pad":"%s"}`, name, strings.Repeat("x", 2000)))
	for i, a := range f.sends(count, 0, "-") {
		f.ids = append(f.ids, fmt.Sprintf("%s-%08d", name, i))
		if a.result == sent {
			taken++
		} else if !a.is(buffered) {
			f.t.Errorf("%s %d: %+v", name, i, a)
		}
	}
	f.settle()
	return taken
}

// mostly sends a lot to a listener that is there: its queue may be full at times.
func (f *feed) mostly(name string, count int) {
	f.t.Helper()
	taken := f.lot(name, count)
	f.t.Logf("%s: %d of %d by the socket", name, taken, count)
	if taken < count/2 {
		f.t.Errorf("%s: the socket took only %d of %d", name, taken, count)
	}
}

// none sends a lot while no listener is there.
func (f *feed) none(name string, count int) {
	f.t.Helper()
	if taken := f.lot(name, count); taken != 0 {
		f.t.Errorf("%s: %d of %d were sent, to nobody", name, taken, count)
	}
}

// large sends one that no datagram holds, whole, to the disk.
func (f *feed) large(size int) {
	f.t.Helper()
	f.load(bytes.Replace(padded(size), []byte("########"), []byte("thelarge"), 1))
	if a := f.ask("send 1 0 5000000 -"); !a.is(buffered) { // on a busy machine, the usual time is up
		f.t.Fatalf("%d bytes: %+v", size, a)
	}
	f.ids = append(f.ids, "thelarge")
	f.settle()
}

// arrive waits until all that was sent is at the far end, and returns how often
// each is there. A look costs time, so there are few.
func (f *feed) arrive(limit time.Duration, arrived func() map[string]int) map[string]int {
	f.t.Helper()
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		there := arrived()
		if len(there) >= len(f.ids) || f.t.Failed() {
			return there
		}
		if time.Since(began) > limit {
			f.t.Fatalf("%d of %d profiles arrived within %v", len(there), len(f.ids), limit)
		}
	}
}

// accounted fails the test unless each profile is there, and says how many are
// there how often.
func (f *feed) accounted(there map[string]int) (twice int) {
	f.t.Helper()
	account(f.t, f.ids, firsts(there), nil, nil).report(f.t)
	for _, n := range there {
		twice += n - 1
	}
	f.t.Logf("%d ids sent, %d received, %d copies more", len(f.ids), len(there), twice)
	return twice
}

func firsts(there map[string]int) map[string]int {
	once := map[string]int{}
	for id := range there {
		once[id] = 1
	}
	return once
}

// takesAll sends the largest datagrams that the kernel lets through, and one of
// several lines: each is a line in the listener's file.
func (s scene) takesAll(t *testing.T) {
	t.Helper()
	d := startDriver(t, s)
	limit := largestDatagram(t)
	d.configure(s.settings(map[string]any{"max_datagram_size": limit}))
	for i, document := range [][]byte{
		padded(100_000),
		padded(limit - 200),
		[]byte("{\"id\":\"########\",\n\"url\":\"/x\",\n\"elapsed_ms\":812.5,\"sql\":{\"queries\":[{},{}]}}\n"),
	} {
		if a := d.send(bytes.Replace(document, []byte("########"), fmt.Appendf(nil, "%08d", i), 1)); a.result != sent {
			t.Errorf("%d bytes: %+v", len(document), a)
		}
	}
	until(t, 10*time.Second, "three profiles", func() bool { return len(s.written()) >= 3 })
	for _, line := range s.written() {
		if !json.Valid(line) {
			t.Errorf("%d bytes arrived, ending %q", len(line), line[max(0, len(line)-40):])
		}
	}
	eachOnce(t, ids(t, s.written()...), 3)
}

// largestDatagram is the kernel's limit for a socket with the default buffer.
func largestDatagram(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/net/core/wmem_default")
	check(t, err)
	limit, err := strconv.Atoi(strings.TrimSpace(string(text)))
	check(t, err)
	return limit - 32
}
