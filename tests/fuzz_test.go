package tests

import (
	"fmt"
	"os/exec"
	"testing"
	"time"
)

// The C interface with random arguments at the ends of mapped memory, under ASan and
// UBSan. ./build.sh test fuzz gives it FUZZTIME, by TRANSMIT_FUZZTIME.
func TestFuzz_TheInterface(t *testing.T) {
	limit, err := time.ParseDuration(env("TRANSMIT_FUZZTIME", "3s"))
	check(t, err)
	s := newScene(t)
	s.buffer = inMemory(t)
	seed := env("TRANSMIT_SEED", fmt.Sprint(time.Now().UnixNano()))
	t.Logf("TRANSMIT_SEED=%s makes the same calls", seed)
	fuzz := program(t, "fuzz", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
	settings := s.settings(map[string]any{"buffer_max_files": 50})
	cmd := exec.Command(fuzz, settings, s.socket, fmt.Sprint(max(1, int(limit.Seconds()))), seed)
	cmd.Dir = s.dir
	out := succeed(t, limit+time.Minute, cmd)
	var calls int
	var f figures
	_, err = fmt.Sscan(out, &calls, &f.sent, &f.buffered, &f.refused)
	check(t, err)
	t.Logf("%d calls", calls)
	if calls < 100 || f.sent == 0 || f.buffered == 0 || f.refused == 0 {
		t.Errorf("it said %q", out)
	}
	f.report(t)
}
