// Bench measures what a call costs beside its peers, in one run, and says which
// of the goals in goals.go this run has met.
//
// The measuring programs (bench.c, bench.php, buffer/bench_test.go and so on)
// are run in turn, several rounds of all of them. Each prints what it measured:
//
//	row TAB way TAB number [TAB number…]
//
// where row and way are names of goals.go (lower case, no spaces) and a number
// is one sample, in the row's unit: nanoseconds a call unless goals.go says
// otherwise (bytes, threads, nanoseconds a file). A program
// takes its ways in turn (A, B, A, B, …) so that a busy machine slows all of
// them, and prints as many lines of the same row and way as it likes: all
// samples of all rounds count, as median, p99 and ratio of medians. Ratios that
// interleaving does not make fair are up to the program: it may print the two
// numbers of one round only.
//
// A line that begins with "#" is a remark for the reader. A program that cannot
// measure a row here prints "row TAB - TAB why" for it: the row is then shown
// with that reason, and its goal is not met. An exit status other than 0 fails
// the run.
//
// Each program gets one argument, an empty folder with a short path, and in its
// environment TRANSMIT_LIBRARY, BENCH_PHP (the folder of the PHP files) and
// BENCH_REFERENCE, the pure-PHP transmitter to compare with.
//
//	row               ways                                 program
//	send-N            send trusted as-is checked journal   bench.c     N bytes: 64 4096 26000 65000
//	check             memchr check                         bench_test.go
//	cut-10m           memcpy transmit                      bench.c
//	first-call        transmit (ns)                        bench.c
//	memory, threads   transmit (bytes, number)             bench.c
//	buffer-N          write (ns)                           bench_test.go  N files: 0 1000 10000 100000
//	php-socket        native plain reference               bench.php   send_via_socket, 500 B
//	php-small         native plain reference               bench.php   send_profiling_data, small array
//	php-26k           native plain json_encode             bench.php   send_profiling_data
//	php-cut           native plain reference               bench.php   0.9 MB, 6,000 queries
//	disk              native plain reference               bench.php   no listener
//	wedged            native plain reference               bench.php   each call of 1,000 (reference: fewer)
//	cleanup           native (ns a file)                   bench.php   cleanup_old_buffers, 100,000 files
//	fpm-page          off on (ns a request)                fpm.sh or bench.php   about 2 ms of PHP under wrk
package main

func main() {}
