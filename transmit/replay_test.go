package transmit

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"libtransmit/buffer"
	"libtransmit/transmit/profile"
)

// put makes a profile that is so many minutes old.
func put(t testing.TB, dir, text string, age int) {
	t.Helper()
	at := time.Now().Add(-time.Duration(age) * time.Minute).UTC()
	path := filepath.Join(dir, fmt.Sprintf("profile_%s_%08x.json", at.Format("20060102_150405"), age))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// keep receives until the test ends, and returns the ids in the order in which they came.
func keep(t testing.TB, conn *net.UnixConn) func() []string {
	t.Helper()
	var got []string
	text := make(chan string, 1<<17)
	go func() {
		room := make([]byte, 1<<20)
		for {
			n, err := conn.Read(room)
			if err != nil {
				return
			}
			text <- string(room[:n])
		}
	}()
	return func() []string {
		for {
			select {
			case one := <-text:
				got = append(got, idOf(one))
			default:
				return got
			}
		}
	}
}

func idOf(text string) string {
	_, rest, _ := strings.Cut(text, `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// await waits until there are so many.
func await(t testing.TB, n int, what func() []string) []string {
	t.Helper()
	for range 5000 {
		if len(what()) >= n {
			break
		}
		time.Sleep(2 * time.Millisecond)
	}
	if got := what(); len(got) != n {
		t.Fatalf("%d arrived, want %d", len(got), n)
	}
	return what()
}

func numbered(id int) string { return fmt.Sprintf(`{"id":"%d"}`, id) }

func TestReplay_OldestFirst(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	tx, dir := newTransmitter(t, path)
	var want []string
	for i := range 200 {
		put(t, dir, numbered(i), 300-i)
		want = append(want, fmt.Sprint(i))
	}
	got := keep(t, listen(t, path))
	if sent, err := tx.Replay(50, time.Second, 0); sent != 50 || err == nil || len(mustGlob(t, dir)) != 150 {
		t.Errorf("%d sent, %v, %d left", sent, err, len(mustGlob(t, dir)))
	}
	if sent, err := tx.Replay(0, 5*time.Second, 0); sent != 150 || err != nil || len(mustGlob(t, dir)) != 0 {
		t.Errorf("%d sent, %v, %d left", sent, err, len(mustGlob(t, dir)))
	}
	if all := await(t, 200, got); !slices.Equal(all, want) {
		t.Errorf("arrived: %v", all)
	}
	if sent, err := tx.Replay(0, time.Second, 0); sent != 0 || err != nil {
		t.Errorf("nothing left: %d sent, %v", sent, err)
	}
}

// TestReplay_Ends has a row for each reason why it does not send all three.
func TestReplay_Ends(t *testing.T) {
	for _, test := range []struct {
		name    string
		prepare func(t *testing.T, path, dir string)
		sent    int
		want    string // of the error
		left    int    // profiles
	}{
		{"nobody there", func(*testing.T, string, string) {}, 0, "no such file", 3},
		{"dead", func(t *testing.T, path, _ string) { listen(t, path).Close() }, 0, "refused", 3},
		{"wedged", func(t *testing.T, path, _ string) { listen(t, path); fill(t, path) }, 0, "queue is full", 3},
		{"it reads nothing", func(t *testing.T, path, _ string) { listen(t, path) }, 1, "does not read", 2},
		{"a directory", func(t *testing.T, path, _ string) { os.Mkdir(path, 0o755) }, 0, "refused", 3},
		{"another process replays", func(t *testing.T, path, dir string) {
			drain(t, listen(t, path))
			files, err := buffer.New(buffer.Options{Dirs: []string{dir}, Listener: path}).BeginReplay(1)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(files.End)
		}, 0, "another process", 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(shortDir(t), "l")
			tx, dir := newTransmitter(t, path)
			for i := range 3 {
				put(t, dir, numbered(i), 10-i)
			}
			test.prepare(t, path, dir)
			start := time.Now()
			sent, err := tx.Replay(0, 0, 0)
			took := time.Since(start)
			if sent != test.sent || err == nil || !strings.Contains(err.Error(), test.want) || took > 75*time.Millisecond {
				t.Errorf("%d sent, %v, after %v; want %d, %s", sent, err, took, test.sent, test.want)
			}
			if left := len(mustGlob(t, dir)); left != test.left {
				t.Errorf("%d left, want %d", left, test.left)
			}
		})
	}
}

func TestReplay_NoDirectory(t *testing.T) {
	tx := New("/tmp")
	mustConfigure(t, tx, `{"buffer_dirs":["/proc/none"]}`)
	if sent, err := tx.Replay(0, 0, 0); sent != 0 || !errors.Is(err, buffer.ErrNoDirectory) {
		t.Errorf("%d, %v", sent, err)
	}
}

// TestReplay_Content has a row for each kind of file. None of them is in the way of the next.
// receiveTwo receives two profiles, also as memfds. It ends early after the one with the id 2.
func receiveTwo(t *testing.T, conn *net.UnixConn) <-chan string {
	got := make(chan string, 2)
	go func() {
		defer close(got)
		for range cap(got) {
			text, file := receiveFile(t, conn)
			if file >= 0 {
				text = contentOf(t, file)
			}
			if got <- string(text); idOf(string(text)) == "2" {
				break
			}
		}
	}()
	return got
}

func TestReplay_Content(t *testing.T) {
	whole := func(size int) string { return string(large(size - len(large(0)))) }
	for _, test := range []struct {
		name, text, oversize string
		sent                 bool
		left                 string // the beginning of its name
	}{
		{"whole", whole(1000), "shrink", true, ""},
		{"white space around it", " \n{\"id\":\"large\"}\n", "shrink", true, ""},
		{"empty", "", "shrink", false, "bad_profile_"},
		{"cut off", whole(900)[:800], "shrink", false, "bad_profile_"},
		{"zeros, after a power failure", strings.Repeat("\x00", 500), "shrink", false, "bad_profile_"},
		{"a list", `[1]`, "shrink", false, "bad_profile_"},
		{"not UTF-8", "{\"a\":\"\xff\"}", "shrink", false, "bad_profile_"},
		{"too large", whole(1001), "shrink", false, "profile_"},
		{"too large, cut off", whole(1002)[:1001], "buffer", false, "profile_"},
		{"as a memfd", whole(1001), "memfd", true, ""},
		{"as a memfd, megabytes", whole(5 << 20), "memfd", true, ""},
		{"a cut off memfd", whole(1100)[:1050], "memfd", false, "bad_profile_"},
		{"megabytes, cut off", whole(5 << 20)[:4<<20], "memfd", false, "bad_profile_"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(shortDir(t), "l")
			tx, dir := newTransmitter(t, path)
			mustConfigure(t, tx, `{"max_datagram_size":1000,"oversize":"`+test.oversize+`"}`)
			put(t, dir, test.text, 20)
			put(t, dir, numbered(2), 10)
			conn := listen(t, path)
			got := receiveTwo(t, conn)
			sent, err := tx.Replay(0, 10*time.Second, 0)
			want := []string{test.text, numbered(2)}
			if !test.sent {
				want = want[1:]
			}
			if sent != len(want) || err != nil {
				t.Errorf("%d sent, %v", sent, err)
			}
			for _, w := range want {
				if text := <-got; text != w {
					t.Errorf("arrived: %d bytes, %.100s", len(text), text)
				}
			}
			left, _ := filepath.Glob(dir + "/*profile_*.json")
			isNone := test.left == "" && len(left) == 0
			if !isNone && (len(left) != 1 || !strings.HasPrefix(filepath.Base(left[0]), test.left)) {
				t.Errorf("left %q, want one %s…", left, test.left)
			}
		})
	}
}

// The kernel takes less than the setting says: the file stays, and the others go.
func TestReplay_TooLargeForTheKernel(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	tx, dir := newTransmitter(t, path)
	mustConfigure(t, tx, `{"max_datagram_size":16777216}`)
	for age := 20; age > 10; age-- {
		put(t, dir, string(large(1<<20)), age)
	}
	put(t, dir, numbered(1), 1)
	got := keep(t, listen(t, path))
	if sent, err := tx.Replay(0, time.Second, 0); sent != 1 || err != nil {
		t.Errorf("%d sent, %v", sent, err)
	}
	await(t, 1, got)
	if n := len(mustGlob(t, dir)); n != 10 {
		t.Errorf("%d left", n)
	}
}

// A listener that does not read has one replayed datagram in its queue; the rest of the queue is the callers'.
func TestReplay_LeavesTheQueueToCallers(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	tx, dir := newTransmitter(t, path)
	for i := range 100 {
		put(t, dir, string(large(60_000)), 200-i)
	}
	conn := listen(t, path)
	for range 5 {
		tx.Replay(0, 0, 0)
	}
	if n := len(mustGlob(t, dir)); n != 99 {
		t.Errorf("%d left", n)
	}
	room := 0
	for {
		start := time.Now()
		outcome, _ := tx.Send(SendRequest{JSON: []byte(`{}`), Timeout: time.Millisecond})
		if took := time.Since(start); took > 50*time.Millisecond {
			t.Errorf("a send took %v", took)
		}
		if outcome != Sent {
			break
		}
		room++
	}
	if queue := fill(t, filepath.Join(shortDir(t), "none")); queue != 0 {
		t.Errorf("%d to nobody", queue)
	}
	for range room + 1 {
		if receive(t, conn) == "" {
			t.Error("a datagram is missing")
		}
	}
	other := filepath.Join(shortDir(t), "l")
	listen(t, other)
	if queue := fill(t, other); room != queue-1 {
		t.Errorf("room for %d of the callers' datagrams, in a queue of %d", room, queue)
	}
}

// "auto": after the first datagram that goes through, in the background.
func TestReplay_Auto(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	tx, dir := newTransmitter(t, path)
	mustConfigure(t, tx, `{"replay":"auto"}`)
	const missed = 300
	for i := range missed {
		if outcome, err := tx.Send(SendRequest{JSON: []byte(numbered(i))}); outcome == NotTaken {
			t.Fatal(err)
		}
	}
	tx.Flush(5 * time.Second)
	conn := listen(t, path)
	got := keep(t, conn)
	time.Sleep(50 * time.Millisecond)
	if n := len(got()); n != 0 {
		t.Errorf("%d came before anything was sent", n)
	}
	began := time.Now()
	if outcome, err := tx.Send(SendRequest{JSON: []byte(numbered(missed))}); outcome != Sent {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 10*time.Millisecond {
		t.Logf("the send took %v", took)
	}
	all := await(t, missed+1, got)
	took := time.Since(began)
	if took < missed*backgroundPace {
		t.Errorf("%d in %v is faster than wanted", missed, took)
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(all) != missed+1 {
		t.Errorf("%d different ones", len(all))
	}
	if n := len(mustGlob(t, dir)); n != 0 {
		t.Errorf("%d files are left", n)
	}

	// A second outage, too.
	conn.Close()
	tx.Send(SendRequest{JSON: []byte(numbered(1000))})
	tx.Flush(5 * time.Second)
	time.Sleep(backgroundPause)
	got = keep(t, listen(t, path))
	tx.Send(SendRequest{JSON: []byte(numbered(1001))})
	await(t, 2, got)
}

func TestReplay_Off(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	tx, dir := newTransmitter(t, path)
	put(t, dir, numbered(1), 1)
	got := keep(t, listen(t, path))
	tx.Send(SendRequest{JSON: []byte(numbered(2))})
	time.Sleep(100 * time.Millisecond)
	if len(got()) != 1 || len(mustGlob(t, dir)) != 1 {
		t.Errorf("%v arrived", got())
	}
}

// A wedged listener ends a replay in the background; when it reads on, the next datagram begins another one.
func TestReplay_AutoGoesOnAfterAWedge(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	tx, dir := newTransmitter(t, path)
	mustConfigure(t, tx, `{"replay":"auto"}`)
	for i := range 20 {
		put(t, dir, numbered(i), 100-i)
	}
	conn := listen(t, path)
	tx.Send(SendRequest{JSON: []byte(numbered(100))})
	for range 1000 {
		if !tx.writer.replayer.background.Load() {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if n := len(mustGlob(t, dir)); n != 19 {
		t.Fatalf("%d left", n)
	}
	got := keep(t, conn)
	time.Sleep(backgroundPause + 100*time.Millisecond)
	tx.Send(SendRequest{JSON: []byte(numbered(101))})
	await(t, 22, got)
}

// A disk that hangs while a replay is under way: it holds up no caller.
// wantQuickSends sends profiles for longer than a second, numbered from first on. Nearly all must take less than 20 ms.
func wantQuickSends(t *testing.T, tx *Transmitter, first int) {
	t.Helper()
	began, slow, sends := time.Now(), 0, 0
	for time.Since(began) < 1500*time.Millisecond {
		start := time.Now()
		outcome, err := tx.Send(SendRequest{JSON: []byte(numbered(first + sends))})
		sends++
		if outcome != Sent {
			t.Fatal(outcome, err)
		}
		if time.Since(start) > 20*time.Millisecond {
			slow++
		}
		time.Sleep(time.Millisecond)
	}
	if slow > 3 {
		t.Errorf("%d of %d sends took more than 20 ms", slow, sends)
	}
}

func TestReplay_HungDisk(t *testing.T) {
	dir, freeze, thaw := frozenDisk(t)
	path := filepath.Join(shortDir(t), "l")
	tx := New(t.TempDir())
	mustConfigure(t, tx, `{"listener_socket":"`+path+`","buffer_dirs":["`+dir+`"],"replay":"auto"}`)
	const files = 1000
	for i := range files {
		put(t, dir, numbered(i), 2000-i)
	}
	conn := listen(t, path)
	got := keep(t, conn)
	tx.Send(SendRequest{JSON: []byte(numbered(files))})
	time.Sleep(100 * time.Millisecond)
	freeze()
	wantQuickSends(t, tx, files+1)
	start := time.Now()
	sent, err := tx.Replay(0, 0, 0)
	if took := time.Since(start); sent != 0 || !errors.Is(err, profile.ErrTimeUp) || took > 75*time.Millisecond {
		t.Errorf("a replay by call: %d, %v, after %v", sent, err, took)
	}
	start = time.Now()
	outcome, _ := tx.Send(SendRequest{JSON: []byte(numbered(0)), ToDisk: true})
	if took := time.Since(start); outcome != Pending || took > 75*time.Millisecond {
		t.Errorf("a write: %v after %v", outcome, took)
	}
	thaw()
	if !tx.Flush(5 * time.Second) {
		t.Fatal("not flushed")
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline) && len(mustGlob(t, dir)) > 0; {
		tx.Send(SendRequest{JSON: []byte(`{"id":"x"}`)})
		time.Sleep(20 * time.Millisecond)
	}
	count := map[string]int{}
	for _, id := range got() {
		count[id]++
	}
	for i := 1; i < files; i++ {
		if count[fmt.Sprint(i)] != 1 {
			t.Errorf("%d is there %d times", i, count[fmt.Sprint(i)])
		}
	}
}

// 100,000 files: no call takes longer than its budget, and the oldest come first.
func TestReplay_LargeBacklog(t *testing.T) {
	const files = 100_000
	dir, err := os.MkdirTemp("/dev/shm", "tx") // faster to make there
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for i := range files {
		put(t, dir, numbered(i), files-i)
	}
	path := filepath.Join(shortDir(t), "l")
	tx := New(t.TempDir())
	mustConfigure(t, tx, `{"listener_socket":"`+path+`","buffer_dirs":["`+dir+`"]}`)
	got := keep(t, listen(t, path))
	calls, total, slow := 0, 0, 0
	for ; total < 1000 && calls < 200; calls++ {
		start := time.Now()
		sent, err := tx.Replay(0, 0, 0)
		if took := time.Since(start); took > 75*time.Millisecond {
			slow++
		}
		if !errors.Is(err, profile.ErrTimeUp) && !errors.Is(err, errNotRead) { // on a busy machine
			t.Errorf("call %d: %v", calls, err)
		}
		total += sent
	}
	t.Logf("%d sent in %d calls, %d of them slow", total, calls, slow)
	if slow > 2+calls/4 || total < 1000 {
		t.Errorf("%d sent in %d calls, %d of them slow", total, calls, slow)
	}
	for len(got()) < total {
		time.Sleep(time.Millisecond)
	}
	for i, id := range got() {
		if id != fmt.Sprint(i) {
			t.Fatalf("the %dth is %s", i, id)
		}
	}
}

// The process ends: what is being sent is sent, and nothing after that.
func TestEnd_StopsTheReplay(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	tx, dir := newTransmitter(t, path)
	mustConfigure(t, tx, `{"replay":"auto"}`)
	for i := range 500 {
		put(t, dir, numbered(i), 1000-i)
	}
	got := keep(t, listen(t, path))
	tx.Send(SendRequest{JSON: []byte(numbered(500))})
	for len(got()) < 20 {
		time.Sleep(time.Millisecond)
	}
	if !tx.End(time.Second) {
		t.Error("not ended")
	}
	left := len(mustGlob(t, dir))
	if claims, _ := filepath.Glob(dir + "/.transmit-sending-*"); len(claims) != 0 {
		t.Errorf("%q", claims)
	}
	time.Sleep(50 * time.Millisecond)
	if now := len(mustGlob(t, dir)); now != left || left == 0 || len(got()) != 501-left {
		t.Errorf("%d left, then %d, %d arrived", left, now, len(got()))
	}
}

// No descriptor stays after a replay, but the buffer directory's.
func TestReplay_GivesDescriptorsBack(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	tx, dir := newTransmitter(t, path)
	drain(t, listen(t, path))
	tx.Send(SendRequest{JSON: []byte(`{}`)})
	before := openDescriptors(t)
	for i := range 50 {
		put(t, dir, numbered(i), 100-i)
		if sent, err := tx.Replay(0, time.Second, 0); sent != 1 || err != nil {
			t.Fatal(sent, err)
		}
	}
	if after := openDescriptors(t); after > before+2 {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

// A send without Go goes past Send, which alone begins a replay: Send is wanted as long as one is due.
func TestWanted_WhileAReplayIsDue(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	conn := listen(t, path)
	tx, dir := newTransmitter(t, path)
	var wanted atomic.Bool
	tx.OnWantsSends(wanted.Store)
	mustConfigure(t, tx, `{"replay":"auto"}`)
	send := func(want bool) {
		t.Helper()
		if outcome, err := tx.Send(SendRequest{JSON: []byte(`{}`)}); outcome != Sent || wanted.Load() != want {
			t.Errorf("%v, %v, wanted: %v", outcome, err, wanted.Load())
		}
	}
	awaitEnd := func() {
		for tx.writer.replayer.background.Load() {
			time.Sleep(time.Millisecond)
		}
	}
	if !wanted.Load() {
		t.Error("not wanted for the first replay")
	}
	send(false) // begins the first replay
	awaitEnd()
	send(false)
	put(t, dir, numbered(1), 10)
	put(t, dir, numbered(2), 9)
	tx.writer.replayer.makeDue(tx.settings.Load(), errors.New("as after a miss"))
	if !wanted.Load() {
		t.Error("not wanted although one is due")
	}
	time.Sleep(backgroundPause)
	send(false)
	awaitEnd() // nobody reads: it gives up, and is due again
	if n := len(mustGlob(t, dir)); n != 1 {
		t.Errorf("%d files", n)
	}
	send(true)
	drain(t, conn)
	time.Sleep(backgroundPause)
	send(false)
	awaitEnd()
	send(false)
	if n := len(mustGlob(t, dir)); n != 0 {
		t.Errorf("%d files", n)
	}
}
