package tests

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ordinaryDriver is one that limits count for: RLIMIT_NPROC does not for root.
func ordinaryDriver(t *testing.T, s scene) *driver {
	t.Helper()
	cmd := exec.Command(program(t, "driver"))
	if os.Geteuid() == 0 {
		cmd = as(nobody, cmd)
	}
	return driverOf(t, s, cmd)
}

// status is a number of /proc/PID/status, such as VmSize in KiB.
func (d *driver) status(name string) int {
	d.t.Helper()
	n, err := strconv.Atoi(d.word(name))
	check(d.t, err)
	return n
}

// word is one of /proc/PID/status, such as SigPnd.
func (d *driver) word(name string) string {
	d.t.Helper()
	match := regexp.MustCompile(`\b` + name + `:\s+(\S+)`).FindStringSubmatch(
		read(d.t, fmt.Sprintf("/proc/%d/status", d.pid())))
	return match[1]
}

// With each limit, from far too low to just enough, at the start: the host lives, the result says why, and from some
// value on Go starts.
func TestResources_AtTheStart(t *testing.T) {
	for _, c := range []struct {
		name, limit string
		from, step  func(d *driver) int
		refusal     int
		says        string
	}{
		{"threads", "nproc", fixed(1), fixed(1), eResource, "too few threads"},
		{"address space", "as", vmSize, fixed(16 << 20), eResource, "too little memory"},
		{"data", "data", vmData, fixed(8 << 20), eResource, "too little memory"},
		{"descriptors", "nofile", fixed(3), fixed(1), eNoDir, "too many open files"},
	} {
		t.Run(c.name, func(t *testing.T) {
			worst := time.Hour
			for try := 0; try < 5 && worst >= 50*time.Millisecond; try++ { // a busy machine
				s := newScene(t)
				l := listen(t, s.socket)
				d := ordinaryDriver(t, s)
				d.load([]byte(`{"id":"########"}`))
				limit, step := c.from(d), c.step(d)
				f := untilSent(t, d, func(n int) { d.ask("limit %s %d", c.limit, limit+n*step) }, c.refusal, c.says)
				t.Logf("enough: %s %d", c.limit, limit+f.refused*step)
				l.await(1)
				worst = f.worst
				f.report(t)
			}
			if worst >= 50*time.Millisecond {
				t.Errorf("a call took %v", worst)
			}
		})
	}
}

// untilSent sends until a limit lets it, which raise sets the nth time. Until then, each answer says why.
func untilSent(t *testing.T, d *driver, raise func(n int), refusal int, says string) (f figures) {
	t.Helper()
	for f.sent == 0 {
		if f.refused > 200 {
			t.Fatal("still refused")
		}
		raise(f.refused)
		a := d.ask("send 1 0 0 %s", d.scene.socket)
		if a.result == eStarting { // a busy machine
			continue
		}
		f.count(a)
		if a.result != sent && (a.result != refusal || !strings.Contains(a.text, says)) {
			t.Errorf("limit %d: %+v, want %d and %q", f.refused, a, refusal, says)
		}
	}
	if f.refused == 0 {
		t.Error("the limits were never too low")
	}
	return f
}

func fixed(n int) func(*driver) int { return func(*driver) int { return n } }

func vmData(d *driver) int { return d.status("VmData") << 10 }

func vmSize(d *driver) int { return d.status("VmSize") << 10 }

// After the start, no resources are left: the library still sends and shrinks, and it writes where that needs no
// descriptor and little memory.
func TestResources_UsedUpAfterTheStart(t *testing.T) {
	for _, c := range []usedUp{
		{"threads", "nproc", fixed(1), buffered, buffered, ""},
		{"address space", "as", vmSize, buffered, eResource, "out of memory"},
		{"data", "data", vmData, buffered, buffered, ""}, // a memfd does not count
		{"descriptors", "nofile", fixed(3), eIO, eIO, "too many open files"},
	} {
		t.Run(c.name, c.test)
	}
}

// usedUp is a resource of which nothing is left after the start.
type usedUp struct {
	name, limit string
	value       func(d *driver) int
	disk, large int // results of a small and of a 30 MB profile for the disk
	says        string
}

// load makes the driver load a file, which takes memory and a descriptor, and then leaves nothing of the resource.
func (c usedUp) load(d *driver, path string) {
	d.ask("limit %s -1", c.limit)
	d.tell("load %s", path)
	d.ask("limit %s %d", c.limit, c.value(d))
}

func (c usedUp) test(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	d := ordinaryDriver(t, s)
	d.configure(s.settings(nil))
	d.load([]byte(`{"id":"first"}`))
	var f figures
	for _, flags := range []uint32{0, flagToDisk} {
		f.count(d.sends(1, flags, "-")[0])
	}
	small := s.write(t, "small", `{"id":"########"}`)

	c.load(d, small)
	for _, a := range d.sends(1000, 0, "-") {
		f.want(t, a, sent, "")
	}
	for _, a := range d.sends(1000, flagToDisk, "-") {
		f.want(t, a, c.disk, c.says)
	}
	c.load(d, s.write(t, "cuttable", string(profile())))
	for _, a := range d.sends(200, 0, "-") {
		f.want(t, a, sent, "")
	}
	c.load(d, s.write(t, "large", string(padded(30<<20))))
	d.tell("send 3 %d 5000000 -", flagToDisk|flagAsIs)
	for range 3 {
		a := d.answer()
		a.took = 0 // of 5 s
		f.want(t, a, c.large, c.says)
	}
	d.ask("limit %s -1", c.limit)
	d.tell("load %s", small)
	for _, a := range d.sends(10, flagToDisk, "-") {
		f.want(t, a, buffered, "")
	}
	d.settle()
	if got := len(s.profiles(t)); got != f.buffered {
		t.Errorf("%d files, want %d", got, f.buffered)
	}
	l.await(f.sent)
	if n := d.status("Threads"); n > 1+maxThreads {
		t.Errorf("%d threads", n)
	}
	f.report(t)
}

// maxThreads is how many the library adds to a process: door/resources.c.
const maxThreads = 8

// want takes one answer into the figures, and wants it to be of that kind.
func (f *figures) want(t *testing.T, a answer, result int, says string) {
	t.Helper()
	f.count(a)
	if !a.is(result) || result < 0 && !strings.Contains(a.text, says) {
		t.Errorf("%+v, want %d and %q", a, result, says)
	}
}

// Many threads call at once when Go can get no more threads.
func TestResources_ManyThreads(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	d := ordinaryDriver(t, s)
	d.configure(s.settings(nil))
	d.load([]byte(`{"id":"########"}`))
	var f figures
	a := d.ask("threads 16 500")
	sentNow, err := strconv.Atoi(a.text)
	check(t, err)
	f.sent = sentNow
	d.settle()
	atListener, inBuffer := ids(t, l.await(f.sent)...), ids(t, s.profiles(t)...)
	var all []string
	for i := range 16 * 500 {
		all = append(all, fmt.Sprintf("%08d", i))
	}
	if a.result != 0 {
		t.Errorf("%d were refused", a.result)
	}
	account(t, all, atListener, inBuffer, nil).report(t)
	if n := d.status("Threads"); n > 1+maxThreads {
		t.Errorf("%d threads", n)
	}
}
