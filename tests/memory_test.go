package tests

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// mostGrowth is the most, in KiB, that a process may grow in an outage.
const mostGrowth = 24 << 10

// A host that runs for long does not grow: garbage of calls is collected, also garbage that no estimate counts, and
// while a hung disk holds up the writer.
func TestMemory(t *testing.T) {
	escaped := `{"sql":{"queries":[` + strings.Repeat(`{"time_m\u0073":"1\u0065999","x\u0078":1e999},`, 20_000) +
		`{}]},"xhpr\u006ff":{"p":1},"pad":"` + strings.Repeat("x", 60_000) + `"}`
	several := `{"sql":{"queries":[` + strings.Repeat(`{"time_ms":1,"sql":"`+strings.Repeat("s", 500)+`"},`, 300) + `{}]}}`
	for _, c := range []memoryCase{
		{name: "escaped names, to the disk", document: escaped, sends: 60},
		{name: "escaped names, trusted", document: escaped, flags: flagTrusted, listens: true, sends: 60},
		{name: "cut, and sent", document: several, listens: true, sends: 2000},
		{name: "refused", document: `{"a":` + strings.Repeat("[", 600), sends: 20_000},
		{name: "more listeners than are kept", document: `{"a":1}`, paths: 40, sends: 20_000},
		{name: "an outage", document: `{"a":1}`, sends: 10_000},
		{name: "a disk that hangs", document: `{"a":1}`, hangs: true, sends: 40_000},
		{name: "a disk that hangs, large", document: `{"a":"` + strings.Repeat("x", 1<<20) + `"}`, hangs: true, sends: 2000},
	} {
		t.Run(c.name, c.test)
	}
}

type memoryCase struct {
	name     string
	document string
	flags    uint32
	listens  bool
	hangs    bool
	paths    int
	sends    int
}

func (c memoryCase) test(t *testing.T) {
	s := newScene(t)
	hang := func() {}
	if c.hangs {
		disk := hangingDisks[0].make(t)
		s.buffer, hang = disk.dir+"/b", disk.hang
		defer disk.answer()
	}
	if c.listens {
		listen(t, s.socket)
	}
	d := startDriver(t, s)
	d.load([]byte(s.settings(map[string]any{"buffer_max_files": 200, "timeout_us": 50_000})))
	d.ask("configure")
	d.load([]byte(c.document))
	path := func(i int) string {
		if c.paths == 0 {
			return "-"
		}
		return fmt.Sprintf("%s.%d", s.socket, i%c.paths)
	}
	repeat(d, min(c.sends/10, 100), c.flags, path)
	before := d.status("VmRSS")
	hang()
	repeat(d, c.sends, c.flags, path)
	grown := d.status("VmRSS") - before
	note(t, "%d KiB larger after %d sends", grown, c.sends)
	if grown > mostGrowth {
		t.Errorf("%d sends made the process %d KiB larger, want at most %d", c.sends, grown, mostGrowth)
	}
}

// repeat sends so often, in pieces, to each path in turn.
func repeat(d *driver, sends int, flags uint32, path func(i int) string) {
	d.t.Helper()
	const most = 500
	for i := 0; i < sends; {
		n := min(most, sends-i)
		if path(0) != path(1) {
			n = 20
		}
		d.sends(n, flags, path(i/20))
		i += n
	}
}

// Several processes write to a directory of many files for long. None of them grows.
func TestMemory_ManyFiles(t *testing.T) {
	s := newScene(t)
	check(t, os.Mkdir(s.buffer, 0o755))
	for i := range 10_000 {
		check(t, os.WriteFile(fmt.Sprintf("%s/profile_20260101_000000_%08x.json", s.buffer, i), []byte("{}"), 0o600))
	}
	var drivers []*driver
	var before []int
	for range 3 {
		d := startDriver(t, s)
		d.load([]byte(s.settings(map[string]any{"buffer_max_files": 10_000})))
		d.ask("configure")
		d.load([]byte(`{"a":1}`))
		d.sends(5, 0, "-")
		drivers, before = append(drivers, d), append(before, d.status("VmRSS"))
	}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		for _, d := range drivers {
			d.sends(5, 0, "-")
		}
		time.Sleep(10 * time.Millisecond)
	}
	for i, d := range drivers {
		grown := d.status("VmRSS") - before[i]
		note(t, "%d KiB larger", grown)
		if grown > mostGrowth {
			t.Errorf("a process grew by %d KiB, want at most %d", grown, mostGrowth)
		}
	}
}
