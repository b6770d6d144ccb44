package main

import "fmt"

// A goal says what one way of a row may cost: compared with another way of the
// same row, by medians, or by itself.
type goal struct {
	what     string // for the reader
	row, way string
	against  string // the peer's way; "" for none
	peer     string // what that is, for the reader
	kind     kind
	limit    float64
	unit     unit
}

type kind int

const (
	shown  kind = iota // no goal: worth knowing
	times              // at most limit times the peer's cost
	faster             // the peer costs at least limit times as much
	within             // at most limit, in the row's unit
)

// A unit shows a number of a row to the reader. A rate is the better the larger
// it is; its numbers are nanoseconds all the same.
type unit struct {
	show   func(float64) string
	isRate bool
}

var (
	duration       = unit{show: showDuration}
	memory         = unit{show: func(n float64) string { return fmt.Sprintf("%.2f MB", n/1e6) }}
	number         = unit{show: func(n float64) string { return fmt.Sprintf("%.0f", n) }}
	filesPerSecond = unit{func(ns float64) string { return fmt.Sprintf("%.0f files/s", 1e9/ns) }, true}
	// of ns for 1 MB and for 10 MB
	gbPerSecond     = unit{func(ns float64) string { return fmt.Sprintf("%.2f GB/s", 1e6/ns) }, true}
	gbPerSecondOf10 = unit{func(ns float64) string { return fmt.Sprintf("%.2f GB/s", 1e7/ns) }, true}
)

func showDuration(ns float64) string {
	switch {
	case ns < 1e3:
		return fmt.Sprintf("%.0f ns", ns)
	case ns < 1e6:
		return fmt.Sprintf("%.3g µs", ns/1e3)
	case ns < 1e9:
		return fmt.Sprintf("%.3g ms", ns/1e6)
	}
	return fmt.Sprintf("%.3g s", ns/1e9)
}

const (
	bareSend   = "bare `send(2)`"
	bareFile   = "`open`, `write`, `rename`"
	reference  = "pure-PHP transmitter"
	jsonEncode = "`json_encode` alone"
	trusted    = "C, `TRANSMIT_TRUSTED`, "
	least      = "… the least: " // what no sender can do without, and nothing else
)

// goals are those of the project. A goal that is not met stays.
var goals = []goal{
	{trusted + "64 B", "send-64", "trusted", "send", bareSend, times, 1.35, duration},
	{trusted + "4 KB", "send-4096", "trusted", "send", bareSend, times, 1.3, duration},
	{trusted + "26 KB", "send-26000", "trusted", "send", bareSend, times, 1.2, duration},
	{trusted + "65 KB", "send-65000", "trusted", "send", bareSend, times, 1.15, duration},
	{"… 64 B, the least that knows its descriptor", "send-64", "identified", "send", bareSend, shown, 0, duration},
	{"… 26 KB, the least that knows its descriptor", "send-26000", "identified", "send", bareSend, shown, 0, duration},
	{"… allocations in 1,000 sends", "allocations", "trusted", "", "", within, 0, number},
	{"C, `transmit_send`, 26 KB", "send-26000", "checked", "journal", "`sd_journal_send`", shown, 0, duration},
	{"the JSON check", "check", "transmit", "memchr", "`memchr`", within, 1e6, gbPerSecond},
	{"10 MB, cut down", "cut-10m", "transmit", "memcpy", "`memcpy`", within, 50e6, duration},
	{"10 MB, cut down", "cut-10m", "transmit", "memcpy", "`memcpy`", within, 10e6, gbPerSecondOf10},
	{"C, no listener: disk, 4 KB", "real-c-disk", "transmit", "file", bareFile, times, 1.5, duration},
	{"… in memory", "c-disk", "transmit", "file", bareFile, times, 1.5, duration},
	{least + "another thread writes the file", "c-disk-thread", "thread", "file", bareFile, shown, 0, duration},
	{"C, wedged listener, each of 1,000", "c-wedged", "transmit", "patience", "`SO_SNDTIMEO`, file", shown, 0, duration},
	{"`send_via_socket`, 500 B", "php-socket", "native", "reference", reference, faster, 4, duration},
	{least + "one call of FFI", "php-socket", "least", "reference", reference, shown, 0, duration},
	{"`send_profiling_data`, small array", "php-small", "native", "reference", reference, faster, 3, duration},
	{least + "`json_encode`, one call of FFI", "php-small", "least", "reference", reference, shown, 0, duration},
	{"`send_profiling_data`, 26 KB", "php-26k", "native", "reference", reference, faster, 1.1, duration},
	{"`send_profiling_data`, 26 KB", "php-26k", "native", "json_encode", jsonEncode, times, 1.12, duration},
	{least + "`json_encode`, one call of FFI", "php-26k", "least", "json_encode", jsonEncode, shown, 0, duration},
	{"… 0.9 MB, 6,000 queries, cut down", "php-cut", "native", "reference", reference, faster, 10, duration},
	{"`php`, one profile, CPU of the whole process", "php-process", "native", "reference", reference, times, 1.1, duration},
	{"… no listener: disk", "real-disk", "native", "reference", reference, faster, 1.5, duration},
	{least + "`json_encode`, one call of FFI", "real-disk", "least", "reference", reference, shown, 0, duration},
	{"… in memory", "disk", "native", "reference", reference, faster, 1.5, duration},
	{least + "`json_encode`, one call of FFI", "disk", "least", "reference", reference, shown, 0, duration},
	{"… disk, 2 ms between two calls", "real-disk-2ms", "native", "reference", reference, faster, 1.3, duration},
	{least + "`json_encode`, one call of FFI", "real-disk-2ms", "least", "reference", reference, shown, 0, duration},
	{"… in memory", "disk-2ms", "native", "reference", reference, faster, 1.3, duration},
	{least + "`json_encode`, one call of FFI", "disk-2ms", "least", "reference", reference, shown, 0, duration},
	{"… disk, not waited for", "real-disk-no-wait", "native", "reference", reference, faster, 4, duration},
	{least + "`json_encode`, one call of FFI", "real-disk-no-wait", "least", "reference", reference, shown, 0, duration},
	{"… in memory", "disk-no-wait", "native", "reference", reference, faster, 4, duration},
	{least + "`json_encode`, one call of FFI", "disk-no-wait", "least", "reference", reference, shown, 0, duration},
	{"50 processes, one directory, their start included", "workers", "native", "", "", shown, 0, filesPerSecond},
	{"… CPU of a write", "workers-cpu", "native", "", "", shown, 0, duration},
	{"… private memory of the largest", "workers-memory", "native", "", "", within, 24 << 20, memory},
	{"… wedged listener, each of 1,000", "wedged", "native", "reference", reference, faster, 300, duration},
	{"a write beside 100,000 files", "buffer", "100000", "0", "empty buffer", times, 1.1, duration},
	{"`cleanup_old_buffers`, 100,000 files", "cleanup", "native", "reference", reference, within, 1e9 / 50_000, filesPerSecond},
	{"first send in a process, listener alive", "first-send", "transmit", "", "", within, 60e3, duration},
	{least + "`socket`, `connect`, `send`", "first-send", "least", "", "", shown, 0, duration},
	{"… private memory after 1,000 sends", "send-memory", "transmit", "", "", within, 64 << 10, memory},
	{"… address space", "send-space", "transmit", "", "", within, 1 << 20, memory},
	{"… threads", "send-threads", "transmit", "", "", within, 0, number},
	{"… descriptors", "send-descriptors", "transmit", "", "", within, 1, number},
	{"a forked child of a process that had started Go", "forked", "child", "parent", "its parent", times, 1.1, duration},
	{"… in PHP", "php-forked", "child", "parent", "its parent", times, 1.1, duration},
	{"16 threads at once, each send and its receipt", "at-once", "16", "1", "one thread", times, 1, duration},
	{"first call that starts Go", "first-call", "transmit", "", "", within, 4e6, duration},
	{"… private memory of a process with Go", "memory", "transmit", "", "", within, 1.5e6, memory},
	{"… threads", "threads", "transmit", "", "", within, 8, number},
	{"FPM page of 2 ms, profiler on", "fpm-page", "on", "off", "profiler off", times, 1 / 0.97, duration},
	{"CPU of a 2 ms page, no extension", "cpu-2", "on", "off", "profiler off", times, 1.03, duration},
	{least + "it sends a text", "cpu-2", "least", "off", "profiler off", shown, 0, duration},
	{least + "one file sends the same fields", "cpu-2", "profile", "off", "profiler off", shown, 0, duration},
	{"… `sample_rate` 0", "cpu-2", "unsampled", "off", "profiler off", times, 1.01, duration},
	{least + "it reads its settings", "cpu-2", "reads", "off", "profiler off", shown, 0, duration},
	{"… Excimer", "cpu-2", "excimer", "off", "profiler off", shown, 0, duration},
	{"CPU of a 20 ms page, Excimer", "cpu-20", "excimer", "off", "profiler off", times, 1.05, duration},
	{least + "Excimer alone", "cpu-20", "sampler", "off", "profiler off", shown, 0, duration},
	{least + "one file with Excimer sends the same fields", "cpu-20", "samples", "off", "profiler off", shown, 0, duration},
	{"… `sample_rate` 0", "cpu-20", "unsampled", "off", "profiler off", times, 1.01, duration},
}
