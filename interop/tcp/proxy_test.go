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

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, ignoreToxiproxy) }

// ignoreToxiproxy ignores a goroutine that toxiproxy leaks when a slow connection
// is closed.
var ignoreToxiproxy = goleak.IgnoreTopFunction("github.com/Shopify/toxiproxy/v2/toxics.(*BandwidthToxic).Pipe")

// A network routes the connections to each address through a proxy. All proxies
// have the same toxics.
type network struct {
	t      *testing.T
	server *toxiproxy.ApiServer

	mu      sync.Mutex
	proxies map[string]*toxiproxy.Proxy
	toxics  map[string]toxic
}

// A toxic is a fault in the API of toxiproxy.
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

// transport returns a transport that connects through the proxies. It disables
// keep-alives, because net/http resends a GET if a reused connection breaks.
func (n *network) transport() *http.Transport {
	t := &http.Transport{DialContext: n.dial, DisableKeepAlives: true}
	n.t.Cleanup(t.CloseIdleConnections)
	return t
}

func (n *network) dial(ctx context.Context, network, address string) (net.Conn, error) {
	proxy, err := n.proxy(address)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	return d.DialContext(ctx, network, proxy)
}

// proxy returns the address of the proxy for address. It starts the proxy on first
// use.
func (n *network) proxy(address string) (string, error) {
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
			n.addToxic(p, name, x)
		}
	}
	return p.Listen, nil
}

func (n *network) addToxic(p *toxiproxy.Proxy, name string, x toxic) {
	encoded, err := json.Marshal(struct {
		toxic
		Name string `json:"name"`
	}{x, name})
	require.NoError(n.t, err)
	_, err = p.Toxics.AddToxicJson(strings.NewReader(string(encoded)))
	require.NoError(n.t, err)
}

// add adds a toxic to all proxies.
func (n *network) add(name string, x toxic) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.toxics[name] = x
	for _, p := range n.proxies {
		n.addToxic(p, name, x)
	}
}

// clear removes all toxics.
func (n *network) clear() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.toxics)
	for _, p := range n.proxies {
		p.Toxics.ResetToxics(context.Background())
	}
}

// stop stops all proxies. Their addresses then refuse connections.
func (n *network) stop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.proxies {
		p.Stop()
	}
}

// start restarts all proxies at the same addresses.
func (n *network) start() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.proxies {
		require.NoError(n.t, p.Start())
	}
}
