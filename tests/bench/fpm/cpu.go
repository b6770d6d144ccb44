package main

import (
	"fmt"
	"log"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// cpuWays are compared on pages of these lengths.
var (
	cpuWays  = []string{"off", "on", "excimer", "unsampled", "least", "reads", "sampler", "profile", "samples"}
	cpuPages = []int{2, 20}
)

// sends are the ways that send a profile for each request.
var sends = map[string]bool{"on": true, "excimer": true, "least": true, "profile": true, "samples": true}

// msOfTurn is how long a turn's pages take together, about.
const msOfTurn = 120

// measureCPU prints the CPU time of a request, of all workers and all their threads: "cpu-2 TAB way TAB ns". It does
// not depend on how busy the machine is, but for its caches.
func measureCPU(folder, page string, turns int, received *atomic.Int64) {
	workers := childrenOf(os.Getenv("BENCH_FPM"))
	for range turns {
		for _, ms := range cpuPages {
			for _, i := range rand.Perm(len(cpuWays)) { // nobody is always the first one, or after the same one
				way := cpuWays[i]
				requests := int64(msOfTurn / ms)
				request := requestOf(page, fmt.Sprintf("way=%s&ms=%d", way, ms))
				visit(folder+"/fpm.sock", request)
				before := cpuTime(workers)
				for range requests {
					heard := received.Load()
					visit(folder+"/fpm.sock", request)
					time.Sleep(time.Millisecond) // the same pause for all, for the caches
					if sends[way] {              // a full queue is another measurement
						expect(received, heard, 1)
					}
				}
				fmt.Printf("cpu-%d\t%s\t%d\n", ms, way, (cpuTime(workers)-before)/requests)
			}
		}
	}
}

// cpuTime is what the processes have used, in nanoseconds: see clock_getcpuclockid(3).
func cpuTime(pids []int) (sum int64) {
	for _, pid := range pids {
		var used syscall.Timespec
		clock := uintptr(uint32(^pid<<3 | 2))
		if _, _, err := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&used)), 0); err != 0 {
			log.Fatal("fpm-page: the CPU time of a worker: ", err)
		}
		sum += used.Nano()
	}
	return sum
}

func childrenOf(pid string) (pids []int) {
	text, err := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	check(err)
	for _, word := range strings.Fields(string(text)) {
		child, err := strconv.Atoi(word)
		check(err)
		pids = append(pids, child)
	}
	return pids
}
