// Fpm visits a page of a php-fpm with and without the profiler, and listens. It
// prints what cpu.go measures, and then a line "fpm-page TAB off|on TAB nanoseconds a
// request" for each turn.
//
//	fpm FOLDER PAGE TURNS
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	visitors = 2 // as many as there are workers
	turn     = time.Second
)

func main() {
	folder, page := os.Args[1], os.Args[2]
	turns, err := strconv.Atoi(os.Args[3])
	check(err)
	received := listen(folder + "/s")
	measureCPU(folder, page, 5*turns, received) // first: no queue has been full yet, so that Go does not run
	measure(folder+"/fpm.sock", page, "on")     // the workers compile, load and connect
	for range turns {
		for _, way := range []string{"off", "on"} {
			before := received.Load()
			requests := measure(folder+"/fpm.sock", page, way)
			if way == "on" {
				expect(received, before, requests)
			}
			fmt.Printf("fpm-page\t%s\t%d\n", way, int64(turn)/requests)
		}
	}
}

// expect waits for the listener. On a busy machine some profiles may go to the
// disk; when most are not here, the profiler is not what was measured.
func expect(received *atomic.Int64, before, requests int64) {
	for end := time.Now().Add(turn); received.Load()-before < requests && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	got := received.Load() - before
	if got < requests {
		fmt.Printf("# fpm-page: %d profiles of %d requests\n", got, requests)
	}
	if got*2 < requests {
		log.Fatal("fpm-page: the listener does not get the profiles")
	}
}

// listen takes datagrams and counts them.
func listen(path string) *atomic.Int64 {
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	check(err)
	check(os.Chmod(path, 0o777)) // the workers are another user
	received := new(atomic.Int64)
	go func() {
		datagram := make([]byte, 1<<17)
		for {
			_, err := socket.Read(datagram)
			check(err)
			received.Add(1)
		}
	}()
	return received
}

// measure visits the page for one turn and returns how often.
func measure(fpm, page, way string) int64 {
	var all sync.WaitGroup
	var requests atomic.Int64
	request := requestOf(page, "way="+way)
	end := time.Now().Add(turn)
	for range visitors {
		all.Go(func() {
			for time.Now().Before(end) {
				visit(fpm, request)
				requests.Add(1)
			}
		})
	}
	all.Wait()
	return requests.Load()
}

func requestOf(page, query string) []byte {
	return record(map[string]string{"SCRIPT_FILENAME": page, "QUERY_STRING": query, "REQUEST_METHOD": "GET"})
}

func visit(fpm string, request []byte) {
	conn, err := net.Dial("unix", fpm)
	check(err)
	defer conn.Close()
	_, err = conn.Write(request)
	check(err)
	answer, err := io.ReadAll(conn)
	check(err)
	if !bytes.Contains(answer, []byte("\r\n\r\n2000\n")) {
		log.Fatalf("the page: %q", answer)
	}
}

// record is a FastCGI request: begin, parameters, no input.
func record(params map[string]string) []byte {
	var pairs strings.Builder
	for name, value := range params {
		pairs.WriteString(string([]byte{byte(len(name)), byte(len(value))}) + name + value)
	}
	var all []byte
	for _, part := range []struct {
		kind    byte
		content string
	}{{1, "\x00\x01\x00\x00\x00\x00\x00\x00"}, {4, pairs.String()}, {4, ""}, {5, ""}} {
		all = append(all, 1, part.kind, 0, 1)
		all = binary.BigEndian.AppendUint16(all, uint16(len(part.content)))
		all = append(append(all, 0, 0), part.content...)
	}
	return all
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
