package transmit

import (
	"bytes"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"libtransmit/buffer"
	"libtransmit/transmit/profile"
)

// receiveFile returns the next datagram's bytes and its descriptor, -1 if it has none.
func receiveFile(t *testing.T, conn *net.UnixConn) (text []byte, file int) {
	t.Helper()
	room, control := make([]byte, 1<<20), make([]byte, 64)
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, controlSize, _, _, err := conn.ReadMsgUnix(room, control)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := unix.ParseSocketControlMessage(control[:controlSize])
	if err != nil || len(messages) == 0 {
		return room[:n], -1
	}
	files, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(files) != 1 {
		t.Fatalf("descriptors %v, %v", files, err)
	}
	return room[:n], files[0]
}

// contentOf reads the file and closes it.
func contentOf(t *testing.T, file int) []byte {
	t.Helper()
	defer unix.Close(file)
	var status unix.Stat_t
	if err := unix.Fstat(file, &status); err != nil {
		t.Fatal(err)
	}
	content := make([]byte, status.Size+1)
	n, err := unix.Pread(file, content, 0)
	if err != nil || int64(n) != status.Size {
		t.Fatalf("read %d of %d bytes, %v", n, status.Size, err)
	}
	return content[:n]
}

func large(size int) []byte { return []byte(`{"id":"large","a":"` + strings.Repeat("x", size) + `"}`) }

// arrived returns the next profile at the listener, which must come as a memfd or as a datagram.
func arrived(t *testing.T, conn *net.UnixConn, memfd bool) []byte {
	t.Helper()
	text, file := receiveFile(t, conn)
	if (file >= 0) != memfd || memfd && len(text) != 0 {
		t.Fatalf("%d bytes, descriptor %d", len(text), file)
	}
	if memfd {
		return []byte(contentOf(t, file))
	}
	return []byte(text)
}

// TestSend_Oversize has a row for each way of a document around the limit.
func TestSend_Oversize(t *testing.T) {
	const limit = 1000
	for _, test := range []struct {
		name, oversize string
		size           int
		request        SendRequest
		listens        bool
		outcome        Outcome
		memfd          bool
	}{
		{"shrink, as large as allowed", "shrink", limit, SendRequest{}, true, Sent, false},
		{"shrink, one more", "shrink", limit + 1, SendRequest{}, true, Buffered, false},
		{"buffer, as large as allowed", "buffer", limit, SendRequest{}, true, Sent, false},
		{"buffer, one more", "buffer", limit + 1, SendRequest{}, true, Buffered, false},
		{"memfd, as large as allowed", "memfd", limit, SendRequest{}, true, Sent, false},
		{"memfd, one more", "memfd", limit + 1, SendRequest{}, true, Sent, true},
		{"memfd, as is", "memfd", limit + 1, SendRequest{AsIs: true}, true, Sent, true},
		{"memfd, to disk", "memfd", limit + 1, SendRequest{ToDisk: true}, true, Buffered, false},
		{"memfd, nobody there", "memfd", limit + 1, SendRequest{}, false, Buffered, false},
		{"memfd, ten megabytes", "memfd", 10 << 20, SendRequest{Timeout: time.Second}, true, Sent, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(shortDir(t), "l")
			var conn *net.UnixConn
			if test.listens {
				conn = listen(t, path)
			}
			tx, dir := newTransmitter(t, path)
			mustConfigure(t, tx, `{"max_datagram_size":1000,"oversize":"`+test.oversize+`"}`)
			doc := large(test.size - len(large(0)))
			test.request.JSON, test.request.AsIs = doc, true
			outcome, err := tx.Send(test.request)
			if outcome != test.outcome {
				t.Fatalf("%v, %v, want %v", outcome, err, test.outcome)
			}
			got := []byte(strings.Join(buffered(t, dir), ""))
			if outcome == Sent {
				got = arrived(t, conn, test.memfd)
			}
			if !bytes.Equal(got, doc) {
				t.Errorf("%d bytes arrived, want %d", len(got), len(doc))
			}
		})
	}
}

// The document arrives whole, with _meta, although it could be shrunk.
func TestSend_OversizeIsNotCut(t *testing.T) {
	for _, way := range []string{"buffer", "memfd"} {
		t.Run(way, func(t *testing.T) {
			path := filepath.Join(shortDir(t), "l")
			conn := listen(t, path)
			tx, dir := newTransmitter(t, path)
			mustConfigure(t, tx, `{"oversize":"`+way+`"}`)
			doc := sample(10, 8000)
			outcome, err := tx.Send(SendRequest{JSON: doc})
			if outcome == NotTaken {
				t.Fatal(err)
			}
			var got string
			if outcome == Sent {
				_, file := receiveFile(t, conn)
				got = string(contentOf(t, file))
			} else if tx.Flush(5 * time.Second) { // a slow disk: Pending
				got = strings.Join(buffered(t, dir), "")
			}
			if want := string(doc[:len(doc)-1]) + `,"_meta":{`; !strings.HasPrefix(got, want) || strings.Contains(got, "truncated") {
				t.Errorf("%v: %.100s…%s", outcome, got, tail(got))
			}
		})
	}
}

func TestSendSealed_Seals(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	conn := listen(t, path)
	tx, _ := newTransmitter(t, path)
	mustConfigure(t, tx, `{"oversize":"memfd"}`)
	if outcome, err := tx.Send(SendRequest{JSON: large(100_000)}); outcome != Sent {
		t.Fatal(err)
	}
	_, file := receiveFile(t, conn)
	defer unix.Close(file)
	seals, err := unix.FcntlInt(uintptr(file), unix.F_GET_SEALS, 0)
	const want = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE | unix.F_SEAL_SEAL
	if err != nil || seals&want != want {
		t.Errorf("seals %#x, %v", seals, err)
	}
	if _, err := unix.Pwrite(file, []byte("x"), 0); err == nil {
		t.Error("it can be written to")
	}
	if err := unix.Ftruncate(file, 10); err == nil {
		t.Error("it can be made shorter")
	}
}

// The kernel takes less in one datagram than the setting says.
func TestSendSealed_TooLargeForTheKernel(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	conn := listen(t, path)
	tx, _ := newTransmitter(t, path)
	mustConfigure(t, tx, `{"max_datagram_size":16777216,"oversize":"memfd"}`)
	outcome, err := tx.Send(SendRequest{JSON: large(1 << 20)})
	if outcome != Sent {
		t.Fatal(err)
	}
	if _, file := receiveFile(t, conn); file < 0 || len(contentOf(t, file)) < 1<<20 {
		t.Error("it did not arrive as a file")
	}
}

// There was no time for a memfd, and no directory can be used: the error is the disk's, which comes last.
func TestSendSealed_NoDirectory(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	listen(t, path)
	tx := New("/tmp")
	mustConfigure(t, tx, `{"listener_socket":"`+path+`","oversize":"memfd","buffer_dirs":["/proc/none"]}`)
	doc := large(1_900_000)[:1_900_000]
	copy(doc[len(doc)-2:], `"}`)
	var outcome Outcome
	var err error
	for try := 0; try < 20 && outcome != NotTaken; try++ { // a busy machine
		outcome, err = tx.Send(SendRequest{JSON: doc, Trusted: true, Spent: 38 * time.Millisecond})
		tx.Flush(time.Second)
	}
	if outcome != NotTaken || !errors.Is(err, buffer.ErrNoDirectory) || errors.Is(err, profile.ErrTimeUp) ||
		!strings.Contains(err.Error(), "no memfd") {
		t.Error(outcome, err)
	}
}

// A wedged listener: whole to disk, in time, and no descriptor stays with the sender.
func TestSendSealed_Wedged(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	listen(t, path)
	tx, dir := newTransmitter(t, path)
	mustConfigure(t, tx, `{"oversize":"memfd"}`)
	tx.Send(SendRequest{JSON: []byte(`{}`)})
	fill(t, path)
	before := openDescriptors(t)
	slow := 0
	for i := range 10 {
		start := time.Now()
		outcome, err := tx.Send(SendRequest{JSON: large(3 << 19)})
		if took := time.Since(start); took > 75*time.Millisecond {
			slow++ // a busy machine
		}
		if outcome == NotTaken || !errors.Is(err, unix.EAGAIN) {
			t.Errorf("send %d: %v, %v", i, outcome, err)
		}
	}
	if slow > 2 {
		t.Errorf("%d of 10 took longer than 75 ms", slow)
	}
	tx.Flush(5 * time.Second)
	if n := len(buffered(t, dir)); n != 10 {
		t.Errorf("%d files", n)
	}
	if after := openDescriptors(t); after > before+2 { // the buffer directory's, and a scan's
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

// What is sent leaves no descriptor and no memory with the sender.
func TestSendSealed_KeepsNothing(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	conn := listen(t, path)
	tx, _ := newTransmitter(t, path)
	mustConfigure(t, tx, `{"oversize":"memfd"}`)
	doc := large(2 << 20)
	before := 0
	for i := range 200 {
		if outcome, err := tx.Send(SendRequest{JSON: doc, Timeout: time.Second}); outcome != Sent {
			t.Fatal(err)
		}
		_, file := receiveFile(t, conn)
		unix.Close(file)
		if i == 0 {
			before = openDescriptors(t)
		}
	}
	if after := openDescriptors(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}
