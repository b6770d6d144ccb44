package tests

import (
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// profile is a document of about 1 MB that fits a datagram when it is cut.
func profile() []byte {
	functions, queries := make([]string, 5000), make([]string, 5000)
	for i := range functions {
		functions[i] = fmt.Sprintf(`{"fn":"Application\\Module%d::method","wt":%d,"ct":3}`, i, 1000000-i)
		queries[i] = fmt.Sprintf(`{"sql":"SELECT %s WHERE id = %d","time_ms":%d.5}`,
			strings.Repeat("x", 110), i, i%977)
	}
	return fmt.Appendf(nil, `{"id":"########","xhprof":{"profiling":{"top_functions":[%s]}},"sql":{"queries":[%s]}}`,
		strings.Join(functions, ","), strings.Join(queries, ","))
}

var storm = []syscall.Signal{syscall.SIGALRM, syscall.SIGPROF, syscall.SIGCHLD}

// unlimited are settings for a test that writes for long and counts the files at its end.
var unlimited = map[string]any{"buffer_max_files": 0, "buffer_max_bytes": 0}

// watchThreads returns the threads that the process has had in that time, and whether each ever took a signal of the storm.
func watchThreads(t *testing.T, p *process, during time.Duration) map[string]bool {
	seen := map[string]bool{}
	for end := time.Now().Add(during); time.Now().Before(end) && !ended(p); {
		for _, tid := range threads(t, p.pid()) {
			unblocked := slices.ContainsFunc(storm, func(signal syscall.Signal) bool {
				is, ok := blocked(p.pid(), tid, signal)
				return ok && !is
			})
			seen[tid] = seen[tid] || unblocked
		}
		time.Sleep(20 * time.Millisecond)
	}
	return seen
}

func TestStorm_C(t *testing.T) {
	seconds := int(lasts(t, 20*time.Second, 0.1).Seconds())
	s := newScene(t)
	l := listen(t, s.socket)
	document := s.write(t, "document", string(profile()))
	p := start(t, time.Duration(seconds+30)*time.Second,
		exec.Command(program(t, "storm"), s.settings(unlimited), fmt.Sprint(seconds), document))
	p.line() // ready

	seen := watchThreads(t, p, time.Duration(seconds)*time.Second/2)

	var counts [4]int
	for i := range counts {
		var err error
		counts[i], err = strconv.Atoi(p.line())
		check(t, err)
	}
	hosts, ranOn := strings.Fields(p.line()), strings.Fields(p.line())
	p.exit()

	t.Logf("%d sent, %d on disk, %d handler runs, threads %v, handlers on %v", counts[0], counts[1], counts[3], seen, ranOn)
	for tid, unblocked := range seen {
		if unblocked && !slices.Contains(hosts, tid) {
			t.Errorf("thread %s, which is not the host's, takes SIGALRM, SIGPROF or SIGCHLD", tid)
		}
	}
	for _, tid := range ranOn {
		if !slices.Contains(hosts, tid) {
			t.Errorf("a handler ran on thread %s, which is not the host's", tid)
		}
	}
	if len(seen) < len(hosts)+3 {
		t.Errorf("only these threads were seen: %v", seen)
	}
	if counts[2] != 0 || counts[3] < seconds*500 || counts[0] == 0 || counts[1] == 0 {
		t.Errorf("%d other results, %d handler runs", counts[2], counts[3])
	}
	eachOnce(t, ids(t, l.await(counts[0])...), counts[0])
	eachOnce(t, ids(t, s.profiles(t)...), counts[1])
	figures{sent: counts[0], buffered: counts[1], refused: counts[2]}.report(t)
}

// As TestStorm_C, with PHP's handlers, which before 8.3 have no SA_ONSTACK. During a call, signals of one kind merge
// into one: so it is repeated once, for a machine on which calls are long.
func TestStorm_PHP(t *testing.T) {
	const seconds = 4
	handled := stormPHP(t, seconds)
	if handled < 500*seconds {
		handled = stormPHP(t, seconds)
	}
	if handled < 500*seconds {
		t.Errorf("%d signals handled", handled)
	}
}

// stormPHP returns how many signals PHP's handlers have had.
func stormPHP(t *testing.T, seconds time.Duration) (handled int) {
	t.Helper()
	s := newScene(t)
	l := listen(t, s.socket)
	p := start(t, 30*time.Second, php(t, s, "storm.php", fmt.Sprint(int(seconds))))
	p.line() // ready
	for end := time.Now().Add(seconds * time.Second * 9 / 10); time.Now().Before(end); {
		for _, signal := range storm {
			syscall.Kill(p.pid(), signal)
		}
		time.Sleep(time.Millisecond)
	}
	var given, sent int
	_, err := fmt.Sscan(p.line(), &given, &sent, &handled)
	check(t, err)
	p.exit()
	t.Logf("%d profiles, %d sent, %d signals handled", given, sent, handled)
	if sent == 0 {
		t.Error("nothing was sent")
	}
	atListener, inBuffer := ids(t, l.await(sent)...), ids(t, s.profiles(t)...)
	var all []string
	for n := 0; n < given; n += 12 {
		for i := range 10 {
			all = append(all, fmt.Sprintf("small %d", n+i))
		}
		all = append(all, fmt.Sprintf("large %d", n), fmt.Sprintf("disk %d", n))
	}
	account(t, all, atListener, inBuffer, nil).report(t)
	return handled
}
