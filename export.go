// Libtransmit sends a JSON profile to a listener on this machine within 50 ms, or writes it to a disk buffer. The contract
// is include/transmit.h.
//
// This package is the Go side of the front door (door/): it converts C arguments to Go and Go results to C. Package
// transmit decides what happens to a profile. docs/internals.md has a table of all functions that cross the boundary.
package main

/*
#cgo CFLAGS: -std=gnu11 -Wall -Wextra -Wno-unused-parameter
#include "door/door.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"libtransmit/buffer"
	_ "libtransmit/door"
	"libtransmit/transmit"
	"libtransmit/transmit/profile"
)

var transmitter = transmit.NewFor(callers(), os.TempDir())

func init() {
	debug.SetMemoryLimit(transmit.MemoryLimit)
	transmitter.OnTarget(setTarget)
	transmitter.OnWantsSends(func(wanted bool) { C.transmit_want_sends(number(wanted)) })
	transmit.OnCount(func(e transmit.Counter) { C.transmit_count(C.SHRUNK + C.int32_t(e)) })
	transmit.OnWait(sharedWait)
	C.transmit_go_runs()
}

// A counter of package transmit that door/results.h has not, or has in another place, is a duplicate key here.
var _ = map[bool]struct{}{false: {},
	transmit.Shrunk == 0 && transmit.WaitTimedOut == C.WAITS_TIMED_OUT-C.SHRUNK &&
		transmit.Connected == C.CONNECTS-C.SHRUNK && transmit.Replayed == C.REPLAYED-C.SHRUNK &&
		transmit.WrittenLater == C.WRITTEN_LATER-C.SHRUNK && transmit.LostLater == C.LOST_LATER-C.SHRUNK &&
		transmit.Counters == C.LATENCY-C.SHRUNK: {},
}

// struct writer and transmit.Shared have the same fields.
var _ = map[bool]struct{}{false: {}, unsafe.Sizeof(transmit.Shared{}) == C.sizeof_struct_writer: {}}

var _ = map[bool]struct{}{false: {}, transmit.MaxTargets == C.TARGETS: {}}

func main() {} // -buildmode=c-shared needs main and never runs it.

//export transmitSend
func transmitSend(call *C.struct_call) (result C.int32_t) {
	defer recovered(call, &result)
	debug.SetPanicOnFault(true) // for the caller's memory
	if call.flags&^(C.TRANSMIT_TRUSTED|C.TRANSMIT_AS_IS|C.TRANSMIT_TO_DISK|C.TRANSMIT_NO_WAIT) != 0 {
		return answer(call, transmit.NotTaken, fmt.Errorf("%w: flags 0x%x", transmit.ErrInvalid, call.flags))
	}
	if call.socket_path != nil {
		if err := transmit.CheckSocketPath(socketPath(call)); err != nil {
			return answer(call, transmit.NotTaken, fmt.Errorf("%w: socket_path %w", transmit.ErrInvalid, err))
		}
	}
	outcome, err := transmitter.Send(transmit.SendRequest{
		JSON:     document(call),
		Settings: unsafe.Slice((*byte)(unsafe.Pointer(call.settings)), int(call.settings_len)),
		Listener: roomForListener(call),
		Socket:   socketPath(call),
		Trusted:  call.flags&C.TRANSMIT_TRUSTED != 0,
		AsIs:     call.flags&C.TRANSMIT_AS_IS != 0,
		ToDisk:   call.flags&C.TRANSMIT_TO_DISK != 0,
		NoWait:   call.flags&C.TRANSMIT_NO_WAIT != 0,
		Timeout:  time.Duration(call.timeout_us) * time.Microsecond,
		Spent:    transmit.Since(int64(call.began_ns)),
	})
	if outcome == transmit.Sent {
		return C.TRANSMIT_SENT
	}
	return answer(call, outcome, err)
}

//export transmitConfigure
func transmitConfigure(call *C.struct_call) (result C.int32_t) {
	defer recovered(call, &result)
	debug.SetPanicOnFault(true)
	if err := transmitter.Configure(document(call)); err != nil {
		return answer(call, transmit.NotTaken, err)
	}
	return 0
}

//export transmitFlush
func transmitFlush(call *C.struct_call) (result C.int32_t) {
	defer recovered(call, &result)
	flush := transmitter.Flush
	if call.is_last {
		flush = transmitter.End
	}
	if flush(time.Duration(call.timeout_us) * time.Microsecond) {
		return C.TRANSMIT_BUFFERED
	}
	return C.TRANSMIT_PENDING
}

//export transmitReplay
func transmitReplay(call *C.struct_call) (result C.int32_t) {
	defer recovered(call, &result)
	sent, err := transmitter.Replay(int(call.max_files),
		time.Duration(call.timeout_us)*time.Microsecond, transmit.Since(int64(call.began_ns)))
	if sent == 0 && errors.Is(err, buffer.ErrNoDirectory) {
		return answer(call, transmit.NotTaken, err)
	}
	answer(call, transmit.Sent, err) // sets the text of transmit_last_error
	return C.int32_t(min(sent, math.MaxInt32))
}

// callers are the functions of door/hand_over.c for the writer.
func callers() *transmit.Callers {
	return &transmit.Callers{
		Shared: (*transmit.Shared)(unsafe.Pointer(C.transmit_writer())),
		Next:   nextHandedOver,
		Answer: answerHandedOver,
	}
}

// handedOver is the profile that the writer has at the moment.
var handedOver C.struct_handed_over

func nextHandedOver() (transmit.HandedOver, bool) {
	if !C.transmit_next_profile(&handedOver) {
		return transmit.HandedOver{}, false
	}
	return transmit.HandedOver{
		JSON:         unsafe.Slice((*byte)(unsafe.Pointer(handedOver.json)), int(handedOver.len)),
		Errno:        unix.Errno(handedOver.error),
		Settings:     int(handedOver.settings),
		Capabilities: *(*[2]unix.CapUserData)(unsafe.Pointer(&handedOver.capabilities)),
	}, true
}

func answerHandedOver(outcome transmit.Outcome, err error) (isAwaited bool) {
	call := C.struct_call{ret_error: handedOver.answer, ret_error_size: C.ANSWER_SIZE}
	return bool(C.transmit_answer(answer(&call, outcome, err)))
}

// setTarget publishes the settings that C needs to send without Go: door/try_send.c.
func setTarget(t *transmit.Target) {
	c := C.struct_target{
		max_datagram_size: C.uint64_t(t.MaxDatagram),
		waits_for_disk:    C.uint32_t(number(t.WaitsForDisk)),
		timeout_us:        C.uint32_t(t.Timeout / time.Microsecond),
		number:            C.uint32_t(t.Number),
	}
	// If a text is too long, the target stays empty, and C passes all sends to Go.
	if len(t.Path) < len(c.socket_path) && len(t.Meta) < len(c.meta) {
		copyText(c.socket_path[:], t.Path)
		copyText(c.meta[:], t.Meta)
	}
	if len(t.Source) <= len(c.source) {
		copyText(c.source[:], string(t.Source))
		c.source_len = C.uint64_t(len(t.Source))
	}
	C.transmit_set_target(&c)
}

func number(yes bool) C.int32_t {
	if yes {
		return 1
	}
	return 0
}

// copyText copies text, which fits into room.
func copyText(room []C.char, text string) {
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&room[0])), len(room)), text)
}

// sharedWait returns the back-off in the file that all processes of this user share: door/shared.c.
func sharedWait(path string) *transmit.WaitState {
	return (*transmit.WaitState)(unsafe.Pointer(
		C.transmit_wait_state((*C.char)(unsafe.Pointer(unsafe.StringData(path))), C.size_t(len(path)))))
}

// document is the caller's memory. It is valid until the call returns.
func document(call *C.struct_call) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(call.json)), int(call.len))
}

func roomForListener(call *C.struct_call) []byte {
	if call.ret_listener == nil {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(call.ret_listener)), C.MAX_PATH)
}

// socketPath is the caller's memory, too. NULL becomes "", the configured socket.
func socketPath(call *C.struct_call) string {
	if call.socket_path == nil {
		return ""
	}
	start := (*byte)(unsafe.Pointer(call.socket_path))
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(start), n)) != 0 {
		n++
	}
	return unsafe.String(start, n)
}

// answer returns the result of an outcome and sets the text of transmit_last_error to err.
func answer(call *C.struct_call, outcome transmit.Outcome, err error) C.int32_t {
	if err != nil {
		room := unsafe.Slice((*byte)(unsafe.Pointer(call.ret_error)), int(call.ret_error_size))
		n := copy(room[:len(room)-1], err.Error())
		makePrintable(room[:n])
		room[n] = 0
	}
	switch outcome {
	case transmit.Sent:
		return C.TRANSMIT_SENT
	case transmit.Buffered:
		return C.TRANSMIT_BUFFERED
	case transmit.Pending:
		return C.TRANSMIT_PENDING
	}
	for _, known := range results {
		if errors.Is(err, known.err) {
			return known.result
		}
	}
	return C.TRANSMIT_EIO
}

// makePrintable replaces control characters. The text has names of files and sockets that other users may have chosen,
// and hosts write it to logs and terminals. 0xc2 0x9b, the UTF-8 of U+009B, begins an escape sequence as ESC [ does.
func makePrintable(text []byte) {
	for i, b := range text {
		isSecond := i > 0 && text[i-1] == 0xc2 && b >= 0x80 && b < 0xa0
		if b < ' ' || b == 0x7f || isSecond {
			text[i] = '?'
		}
		if isSecond {
			text[i-1] = '?'
		}
	}
}

// results has the C result of each error of package transmit. Any other error is TRANSMIT_EIO.
var results = []struct {
	err    error
	result C.int32_t
}{
	{transmit.ErrInvalid, C.TRANSMIT_EINVAL},
	{profile.ErrSyntax, C.TRANSMIT_ESYNTAX},
	{profile.ErrNotObject, C.TRANSMIT_ENOTOBJECT},
	{profile.ErrDepth, C.TRANSMIT_EDEPTH},
	{profile.ErrUTF8, C.TRANSMIT_EUTF8},
	{profile.ErrTimeUp, C.TRANSMIT_ETIMEDOUT},
	{transmit.ErrBusy, C.TRANSMIT_EBUSY},
	{transmit.ErrMemory, C.TRANSMIT_ERESOURCE},
	{buffer.ErrNoDirectory, C.TRANSMIT_ENODIR},
	{buffer.ErrFull, C.TRANSMIT_EFULL},
}

// recovered turns a panic into a result, so that a defect of the library does not end the host, and neither does memory of
// the caller that cannot be read, such as a mapped file that another process has truncated.
func recovered(call *C.struct_call, result *C.int32_t) {
	p := recover()
	if p == nil {
		return
	}
	why := fmt.Errorf("panic: %v", p)
	if fault, ok := p.(interface{ Addr() uintptr }); ok { // debug.SetPanicOnFault
		why = fmt.Errorf("the memory at 0x%x cannot be read: was it unmapped, or its file truncated?", fault.Addr())
	}
	*result = C.TRANSMIT_EPANIC
	answer(call, transmit.NotTaken, why)
}
