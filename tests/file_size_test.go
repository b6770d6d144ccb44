package tests

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// fileSizes are values of RLIMIT_FSIZE: nothing, less than a profile, less than the
// shared counters, less than a large profile.
var fileSizes = []int{0, 1, 100, 4096, 200 << 10}

// With any RLIMIT_FSIZE, set at any time, the host lives: no SIGXFSZ reaches it or stays pending. A profile that fits
// is written; for any other, the result says why.
func TestFileSize(t *testing.T) {
	for _, when := range []string{"before the first call", "between calls"} {
		for _, limit := range fileSizes {
			t.Run(fmt.Sprintf("%s, %d", when, limit), func(t *testing.T) { fileSize(t, when, limit) })
		}
	}
}

func fileSize(t *testing.T, when string, limit int) {
	poolFile(t)
	s := newScene(t)
	l := listen(t, s.socket)
	d := ordinaryDriver(t, s)
	var f figures
	configure := func() {
		d.configure(s.settings(map[string]any{"oversize": "memfd", "max_datagram_size": 1000, "timeout_us": 2_000_000}))
	}
	if when == "between calls" {
		configure()
	}
	settings := s.write(t, "small", `{"id":"########"}`)
	large := s.write(t, "large", string(padded(1<<20)))
	d.ask("limit fsize %d", limit)
	if got := d.stats(); when != "between calls" && (got.Pool != nil || !strings.Contains(got.PoolError, "RLIMIT_FSIZE")) {
		t.Errorf("before the first call: %+v", got)
	}
	configure()
	d.tell("load %s", settings)
	f.want(t, d.sends(1, 0, "-")[0], sent, "")
	want := buffered
	if limit < len(`{"id":"00000000"}`) {
		want = eIO
	}
	for _, a := range d.sends(20, flagToDisk|flagAsIs, "-") {
		f.want(t, a, want, "file too large")
	}
	d.tell("load %s", large)
	f.want(t, d.sends(1, 0, "-")[0], eIO, "file too large")
	for _, pending := range []string{"SigPnd", "ShdPnd"} {
		if mask := d.word(pending); mask != "0000000000000000" {
			t.Errorf("%s: %s", pending, mask)
		}
	}
	l.await(1)
	if got := len(s.profiles(t)); got != f.buffered {
		t.Errorf("%d files, want %d", got, f.buffered)
	}
	f.report(t)
}

// The same in PHP, with the library and without.
func TestFileSize_PHP(t *testing.T) {
	prlimit := need(t, "prlimit", "util-linux")
	for _, library := range []string{stage + "/build/libtransmit.so", ""} {
		for _, limit := range fileSizes {
			t.Run(fmt.Sprintf("%d, library %q", limit, library), func(t *testing.T) {
				poolFile(t)
				s := newScene(t)
				script := php(t, s, "file_size.php")
				cmd := exec.Command(prlimit, append([]string{fmt.Sprintf("--fsize=%d", limit)}, script.Args...)...)
				cmd.Env = append(script.Env, fmt.Sprintf(`TEST_SETTINGS={"library":%q,"timeout_us":2000000}`, library))
				out := succeed(t, 20*time.Second, cmd)
				small := limit >= len(`{"id":"1","pad":"xxxxxxxxxx"}`)
				if want := fmt.Sprintf("%d 0 alive", btoi(small)); out != want {
					t.Errorf("%q, want %q", out, want)
				}
			})
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
