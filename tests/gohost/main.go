// Gohost is a host that is itself a Go program: two Go runtimes in one process.
// Goroutines send, others make garbage, take signals, and fault and recover.
//
//	gohost SETTINGS SECONDS
//
// It prints what became of each profile, a line "ID RESULT", and then how much of
// the rest there was: collections, signals, faults.
package main

/*
#cgo LDFLAGS: -ltransmit
#include <stdlib.h>
#include <transmit.h>
*/
import "C"

import (
	"bytes"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

var signals, faults atomic.Int64

func send(json string, flags C.uint32_t) int {
	text := C.CString(json)
	defer C.free(unsafe.Pointer(text))
	return int(C.transmit_send_with(text, C.size_t(len(json)), flags, nil, 0))
}

func keepSending(who int, end time.Time) string {
	var said strings.Builder
	pad := strings.Repeat("x", 1000*(who+1))
	for n := 0; time.Now().Before(end); n++ {
		id := fmt.Sprintf("%d.%d", who, n)
		fmt.Fprintf(&said, "%s %d\n", id, send(fmt.Sprintf(`{"id":"%s","pad":"%s"}`, id, pad), C.uint32_t(n%3)))
		time.Sleep(time.Duration(who) * 100 * time.Microsecond)
	}
	return said.String()
}

type thing struct{ field int }

// fault is Go's own SIGSEGV, which must come back to this runtime, not the library's.
func fault(nothing *thing) (n int) {
	defer func() {
		if recover() != nil {
			faults.Add(1)
		}
	}()
	return nothing.field
}

func keepBusy(end time.Time) {
	for time.Now().Before(end) {
		garbage := make([][]byte, 0, 100)
		for i := range 100 {
			garbage = append(garbage, make([]byte, 1000+i))
		}
		fault(nil)
		runtime.KeepAlive(garbage)
		syscall.Kill(os.Getpid(), syscall.SIGUSR1)
		time.Sleep(100 * time.Microsecond)
	}
}

func takeSignals() {
	incoming := make(chan os.Signal, 100)
	signal.Notify(incoming, syscall.SIGUSR1, syscall.SIGALRM, syscall.SIGCHLD)
	for range incoming {
		signals.Add(1)
	}
}

func main() {
	settings := C.CString(os.Args[1])
	result := C.transmit_configure(settings, C.size_t(len(os.Args[1])))
	for result == C.TRANSMIT_ESTARTING { // a busy machine
		result = C.transmit_configure(settings, C.size_t(len(os.Args[1])))
	}
	if result != 0 {
		fmt.Println("configure", result, C.GoString(C.transmit_last_error()))
		os.Exit(1)
	}
	seconds, _ := strconv.Atoi(os.Args[2])
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	debug.SetGCPercent(10)
	go takeSignals()
	var profile bytes.Buffer
	pprof.StartCPUProfile(&profile) // a SIGPROF to every busy thread
	said := make([]string, 4)
	var work sync.WaitGroup
	for who := range said {
		work.Go(func() { said[who] = keepSending(who, end) })
	}
	work.Go(func() { keepBusy(end) })
	work.Wait()
	pprof.StopCPUProfile()
	C.transmit_flush(5000000)
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	fmt.Print(strings.Join(said, ""))
	fmt.Println("collections", memory.NumGC)
	fmt.Println("signals", signals.Load())
	fmt.Println("faults", faults.Load())
	fmt.Println("profiled", profile.Len())
}
