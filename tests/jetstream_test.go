package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// cluster is three servers of NATS on the loopback device.
type cluster struct {
	t              *testing.T
	scene          scene
	clients, peers [3]string
	servers        [3]*process
	jetstream      jetstream.JetStream
}

// newCluster starts them, and waits until they keep a stream in three places.
func newCluster(t *testing.T, s scene) *cluster {
	t.Helper()
	c := &cluster{t: t, scene: s, clients: freePorts(t), peers: freePorts(t)}
	for i := range c.servers {
		c.start(i)
	}
	connection, err := nats.Connect("nats://"+strings.Join(c.clients[:], ",nats://"),
		nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true), nats.ReconnectWait(100*time.Millisecond))
	check(t, err)
	t.Cleanup(connection.Close)
	c.jetstream, err = jetstream.New(connection)
	check(t, err)
	until(t, 30*time.Second, "a cluster", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		probe := jetstream.StreamConfig{Name: "probe", Subjects: []string{"probe"}, Replicas: 3}
		_, err := c.jetstream.CreateStream(ctx, probe)
		return err == nil
	})
	return c
}

// freePorts are addresses on which no program listens.
func freePorts(t *testing.T) (addresses [3]string) {
	t.Helper()
	for i := range addresses {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		check(t, err)
		defer l.Close()
		addresses[i] = l.Addr().String()
	}
	return addresses
}

// addresses leads a configuration to this cluster's ports.
func (c *cluster) addresses() []string {
	var pairs []string
	for i := range c.servers {
		pairs = append(pairs, fmt.Sprintf("127.0.0.1:%d", 4222+i), c.clients[i],
			fmt.Sprintf("127.0.0.1:%d", 6222+i), c.peers[i])
	}
	return pairs
}

func (c *cluster) start(i int) {
	c.t.Helper()
	conf := c.scene.configured(c.t, "nats-server.conf", append([]string{
		"profiles-1", fmt.Sprintf("profiles-%d", i+1), "/var/lib/nats", c.scene.dir,
		"listen: 127.0.0.1:4222", "listen: " + c.clients[i],
		"listen: 127.0.0.1:6222", "listen: " + c.peers[i]}, c.addresses()...)...)
	c.servers[i] = start(c.t, 4*time.Minute, exec.Command(installed(c.t, "nats-server"), "-c", conf))
	until(c.t, 20*time.Second, "a server of NATS", func() bool {
		connection, err := net.Dial("tcp", c.clients[i])
		if err == nil {
			connection.Close()
		}
		return err == nil || ended(c.servers[i])
	})
}

// info is what the stream's leader says; nil while there is none.
func (c *cluster) info() *jetstream.StreamInfo {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	stream, err := c.jetstream.Stream(ctx, "profiles")
	if err != nil {
		return nil
	}
	return stream.CachedInfo()
}

// killLeader ends the server that takes the stream's messages, as a crash would.
func (c *cluster) killLeader() (i int) {
	c.t.Helper()
	info := c.info()
	if info == nil {
		c.t.Fatal("the stream has no leader")
	}
	_, err := fmt.Sscanf(info.Cluster.Leader, "profiles-%d", &i)
	check(c.t, err)
	c.servers[i-1].kill()
	return i - 1
}

// whole tells whether three servers have all of the stream.
func (c *cluster) whole() bool {
	info := c.info()
	if info == nil || len(info.Cluster.Replicas) != 2 {
		return false
	}
	for _, replica := range info.Cluster.Replicas {
		if !replica.Current || replica.Lag != 0 {
			return false
		}
	}
	return true
}

// consume reads the stream as a durable consumer, which the servers hold as they
// hold the stream. It returns who tells how often each profile was there.
func (c *cluster) consume() func() map[string]int {
	c.t.Helper()
	consumer, err := c.jetstream.CreateConsumer(c.t.Context(), "profiles",
		jetstream.ConsumerConfig{Durable: "far-end", AckPolicy: jetstream.AckExplicitPolicy})
	check(c.t, err)
	var mu sync.Mutex
	there := map[uint64]string{} // by place in the stream: after a failure it is told some again
	go func() {
		for c.t.Context().Err() == nil {
			batch, err := consumer.Fetch(500, jetstream.FetchMaxWait(time.Second))
			if err != nil {
				time.Sleep(100 * time.Millisecond)
				continue
			}
			for message := range batch.Messages() {
				mu.Lock()
				if at, err := message.Metadata(); err == nil {
					there[at.Sequence.Stream] = idOf(message.Data())
					message.Ack()
				}
				mu.Unlock()
			}
		}
	}()
	return func() map[string]int {
		mu.Lock()
		defer mu.Unlock()
		count := map[string]int{}
		for _, id := range there {
			count[id]++
		}
		return count
	}
}

// 10,000 profiles go through Telegraf to a consumer on another machine. Telegraf is away for 2,000 of them, and the
// leading server is killed meanwhile.
func TestListeners_JetStream(t *testing.T) {
	s := newScene(t)
	c := newCluster(t, s)
	inputs, output := s.configured(t, "telegraf.conf"), s.configured(t, "telegraf-jetstream.conf", c.addresses()...)
	f := &feed{driver: startDriver(t, s)}
	t.Cleanup(func() {
		if info := c.info(); t.Failed() && info != nil {
			t.Logf("%d messages in the stream, leader %s", info.State.Msgs, info.Cluster.Leader)
		}
	})

	f.none("before", 1000)
	f.large(3 << 20)
	p := s.telegraf(t, inputs, output)
	until(t, 40*time.Second, "the stream", func() bool { return c.info() != nil })
	arrived := c.consume()
	f.mostly("with", 3000)
	killed := c.killLeader()
	f.mostly("leaderless", 2000)
	there := f.arrive(60*time.Second, arrived)
	t.Logf("%d ids with server %d killed", len(there), killed+1)
	c.start(killed)

	p.kill()
	f.none("without", 1000)
	s.telegraf(t, inputs, output)
	f.mostly("again", 2999)
	twice := f.accounted(f.arrive(60*time.Second, arrived))
	if twice > 1000 {
		t.Errorf("%d copies: ten batches are more than one failure explains", twice)
	}
	until(t, 60*time.Second, "the stream whole on three servers", c.whole)
}

// idOf is the id of what must be one whole profile.
func idOf(document []byte) string {
	match := idPattern.FindSubmatch(document)
	if match == nil || !json.Valid(document) {
		return fmt.Sprintf("not a profile: %.80q", document)
	}
	return string(match[1])
}
