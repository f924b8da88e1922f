package tcp

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, ofToxiproxy) }

// ofToxiproxy is a goroutine that toxiproxy itself leaves behind, for ever,
// where a slow connection was closed.
var ofToxiproxy = goleak.IgnoreTopFunction("github.com/Shopify/toxiproxy/v2/toxics.(*BandwidthToxic).Pipe")

// A network is where every connection goes through a proxy of its own address,
// and every proxy has the same toxics.
type network struct {
	t      *testing.T
	server *toxiproxy.ApiServer

	mu      sync.Mutex
	proxies map[string]*toxiproxy.Proxy
	toxics  map[string]toxic
}

// A toxic is a fault of the proxy, in the terms of toxiproxy.
type toxic struct {
	Type       string         `json:"type"`
	Stream     string         `json:"stream"`
	Attributes map[string]any `json:"attributes"`
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{
		t:       t,
		server:  toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()),
		proxies: map[string]*toxiproxy.Proxy{},
		toxics:  map[string]toxic{},
	}
	t.Cleanup(n.stop)
	return n
}

// transport reaches every address through its proxy. Connections are not kept:
// net/http sends a GET once more by itself when a kept one was lost.
func (n *network) transport() *http.Transport {
	t := &http.Transport{DialContext: n.dial, DisableKeepAlives: true}
	n.t.Cleanup(t.CloseIdleConnections)
	return t
}

func (n *network) dial(ctx context.Context, network, address string) (net.Conn, error) {
	through, err := n.through(address)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	return d.DialContext(ctx, network, through)
}

// through returns the address of the proxy of an address.
func (n *network) through(address string) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.proxies[address]
	if p == nil {
		p = toxiproxy.NewProxy(n.server, address, "127.0.0.1:0", address)
		if err := p.Start(); err != nil {
			return "", err
		}
		n.proxies[address] = p
		for name, x := range n.toxics {
			n.poison(p, name, x)
		}
	}
	return p.Listen, nil
}

func (n *network) poison(p *toxiproxy.Proxy, name string, x toxic) {
	encoded, err := json.Marshal(struct {
		toxic
		Name string `json:"name"`
	}{x, name})
	require.NoError(n.t, err)
	_, err = p.Toxics.AddToxicJson(strings.NewReader(string(encoded)))
	require.NoError(n.t, err)
}

// add puts a toxic into every proxy.
func (n *network) add(name string, x toxic) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.toxics[name] = x
	for _, p := range n.proxies {
		n.poison(p, name, x)
	}
}

// clear takes all toxics away.
func (n *network) clear() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.toxics)
	for _, p := range n.proxies {
		p.Toxics.ResetToxics(context.Background())
	}
}

// stop ends all proxies: their addresses refuse connections.
func (n *network) stop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.proxies {
		p.Stop()
	}
}

// start starts them again at the same addresses.
func (n *network) start() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.proxies {
		require.NoError(n.t, p.Start())
	}
}
