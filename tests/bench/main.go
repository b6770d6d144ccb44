// Bench measures what a call costs beside its peers, in one run, and says which
// of the goals in goals.go this run has met.
//
//	go run . [-record] [FOLDER]
//
// It prints two tables, and writes them (bench.md), all medians (bench.json) and
// the plots (*.svg) to FOLDER, which is build/ if it is not given. With -record it
// also puts the tables and the plots into docs/performance.md.
//
// The measuring programs (c/, bench.php, fpm/, buffer/bench_test.go and
// transmit/profile/bench_test.go) are run in turn, several rounds of all of them. Each
// prints what it measured:
//
//	row TAB way TAB number [TAB number…]
//
// where row and way are names of goals.go (lower case, no spaces) and a number
// is one sample, in nanoseconds a call unless the table below says otherwise. A
// program takes its ways in turn (A, B, B, A, …) so that a busy machine slows all
// of them, and prints as many lines of the same row and way as it likes: all
// samples of all rounds count, as median, p99 and ratio of medians.
//
// Go benchmarks have their own form: they report metrics "ns/row/way", a median
// each.
//
// A line that begins with "#" is a remark for the reader. A program that cannot
// measure a row here prints "row TAB - TAB why" for it: the row is then shown
// with that reason. An exit status other than 0 fails the run, and so does a
// goal whose row was not measured.
//
// Each program gets one argument, an empty folder with a short path, and in its
// environment TRANSMIT_LIBRARY, BENCH_PHP (the folder of the PHP files) and
// BENCH_REFERENCE, the pure-PHP transmitter to compare with: without it, peer.php.
//
//	row                 ways                               program
//	send-N              send trusted identified as-is checked journal  bench.c  N bytes
//	allocations         trusted (in 1,000 sends)           bench.c
//	cut-10m             memcpy transmit                    bench.c
//	c-disk              file transmit                      bench.c     no listener, 4 KB, in memory
//	c-disk-thread       file thread                        bench.c     the same
//	c-wedged            patience transmit                  bench.c     mean of 1,000 calls (patience: 10)
//	first-send          transmit least                     bench.c     without Go
//	send-memory, -space, -threads  transmit (bytes, number)  bench.c   after 1,000 of them
//	send-descriptors    transmit (number)                  bench.c     the same
//	forked              parent child                       bench.c     TRANSMIT_TRUSTED; the parent has started Go
//	at-once             1 16                               bench.c     threads; mean of 6,400 sends and receipts
//	first-call          transmit                           bench.c     configure and send: starts Go
//	memory, threads     transmit (bytes, number)           bench.c     after 1,000 checked sends
//	check, cut          memchr walk transmit (ns for 1 MB) transmit/profile/bench_test.go
//	buffer              N file                             buffer/bench_test.go  a write beside N files
//	php-process         native reference                   bench.php   CPU time of a whole process
//	php-forked          parent child                       bench.php   send_profiling_data, small array
//	php-socket          native plain reference least       bench.php   send_via_socket, 500 B
//	php-small           native plain reference least       bench.php   send_profiling_data, small array
//	php-26k             native plain reference json_encode least  bench.php   send_profiling_data
//	php-cut             native plain reference             bench.php   0.9 MB, 6,000 queries
//	disk                native plain reference least       bench.php   no listener, in memory
//	disk-2ms            native plain reference least       bench.php   2 ms between two calls
//	disk-no-wait        native reference least             bench.php   wait_for_disk is false
//	real-…              c-disk, c-disk-thread and the three rows above on a disk
//	workers, -cpu       native (ns a write)                bench.php   50 processes, one directory
//	workers-memory      native (bytes)                     bench.php   the largest
//	wedged              native plain reference             bench.php   mean of 1,000 calls (reference: 10)
//	wedged-call         native plain reference             bench.php   each of them
//	cleanup             native plain reference (ns a file) bench.php   cleanup_old_buffers, 100,000 files
//	fpm-page            off on (ns a request)              fpm.sh      about 2 ms of PHP, two visitors
//	cpu-MS              off on excimer unsampled least reads sampler profile samples  fpm.sh      CPU time of a page of so many ms
//	peers-SITUATION, -kept  native reference file forget   peers.php   each call; percent of the profiles
//	the same            journal                            bench.c
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"libtransmit/tests/bench/measure"
)

const rounds = 2

var records = flag.Bool("record", false, "write docs/performance.md and its plots")

func main() {
	log.SetFlags(0)
	flag.Parse()
	folder := "../../build"
	measure.OnInterrupt()
	where := machine()
	rows, err := measureAll()
	if err != nil {
		log.Fatal("bench: ", err)
	}
	if flag.NArg() > 0 {
		folder = flag.Arg(0)
	}
	results := make([]result, len(goals))
	for i, g := range goals {
		results[i] = g.judge(rows)
	}
	text := fmt.Sprintf("%s\n\n%s\n%s", where, table(results), comparedWith(rows))
	fmt.Print("\n", text)
	if err := write(folder, where, text, results, rows); err != nil {
		log.Fatal("bench: ", err)
	}
	if *records {
		if err := record(text, rows); err != nil {
			log.Fatal("bench: ", err)
		}
	}
	for _, r := range results {
		if r.Met == notMeasured {
			log.Fatalf("bench: nobody measured %s %s", r.Row, r.Way)
		}
	}
}

func measureAll() (*measure.Rows, error) {
	b, err := measure.New()
	if err != nil {
		return nil, err
	}
	defer b.Close()
	for round := range rounds {
		for _, step := range []struct {
			name string
			run  func() error
		}{
			{"C", func() error { return b.C() }},
			{"first calls", func() error { return repeat(10, func() error { return b.C("first") }) }},
			{"the check", func() error { return b.Go("./transmit/profile", "BenchmarkBesidePeers", 1000) }},
			{"the buffer", func() error { return b.Go("./buffer", "BenchmarkWrite", 3000) }},
			{"PHP", func() error { return b.PHP() }},
			{"a disk", b.OnDisk},
			{"php-fpm", func() error { return b.FPM(8) }},
			{"others", func() error { return b.Peers() }},
		} {
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", round+1, rounds, step.name)
			if err := step.run(); err != nil {
				return nil, err
			}
		}
	}
	return b.Rows, nil
}

func repeat(times int, run func() error) error {
	for range times {
		if err := run(); err != nil {
			return err
		}
	}
	return nil
}

// write leaves what was measured in files.
func write(folder, where, text string, results []result, rows *measure.Rows) error {
	type way struct {
		Row, Way    string
		Samples     int
		Median, P99 float64
	}
	var ways []way
	rows.All(func(row, name string, samples []float64) {
		ways = append(ways, way{row, name, len(samples), measure.Quantile(samples, 0.5), measure.Quantile(samples, 0.99)})
	})
	all, err := json.MarshalIndent(map[string]any{"machine": where, "goals": results, "rows": ways}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "bench.json"), append(all, '\n'), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "bench.md"), []byte(text), 0o644); err != nil {
		return err
	}
	return plotAll(folder, rows)
}

// record replaces the tables in docs/performance.md, and its plots.
func record(text string, rows *measure.Rows) error {
	const page, begin, end = "../../docs/performance.md", "<!-- bench -->\n", "<!-- end of bench -->\n"
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(old), begin)
	_, after, ends := strings.Cut(rest, end)
	if !found || !ends {
		return fmt.Errorf("%s has no lines %q and %q", page, begin, end)
	}
	if err := os.WriteFile(page, []byte(before+begin+text+end+after), 0o644); err != nil {
		return err
	}
	return plotAll("plots", rows)
}

// machine says where it is measured, and how busy that was just before.
func machine() string {
	cpu := "a CPU without a name"
	info, _ := os.ReadFile("/proc/cpuinfo")
	if name := regexp.MustCompile(`(?m)^model name\s*: (.*)$`).FindSubmatch(info); name != nil {
		cpu = string(name[1])
	}
	if strings.Contains(string(info), " hypervisor") {
		cpu += " in a virtual machine"
	}
	load, _ := os.ReadFile("/proc/loadavg")
	return fmt.Sprintf("%d cores of %s, Linux %s, PHP %s, %s; load %.4s before", runtime.NumCPU(), cpu,
		said("uname", "-r"), said("php", "-r", "echo PHP_VERSION;"), runtime.Version(), load)
}

func said(command ...string) string {
	out, _ := exec.Command(command[0], command[1:]...).Output()
	return strings.TrimSpace(string(out))
}
