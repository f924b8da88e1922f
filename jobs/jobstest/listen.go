package jobstest

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"
)

// sockets are the two listeners of a server, one for the API and one for data.
type sockets struct {
	apiURL, dataURL string
	client          *http.Client
	certificatePEM  []byte

	listeners [2]net.Listener
	servers   [2]*http.Server
	serving   sync.WaitGroup
}

func listen(s *Server, c *config) (*sockets, error) {
	apiListener, err := net.Listen("tcp", c.address)
	if err != nil {
		return nil, fmt.Errorf("jobstest: %w", err)
	}
	dataListener, err := net.Listen("tcp", cmp.Or(c.dataAddress, net.JoinHostPort(listenHost(c.address), "0")))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("jobstest: %w", err), apiListener.Close())
	}
	k := &sockets{listeners: [2]net.Listener{apiListener, dataListener}}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	scheme := "http://"
	var config *tls.Config
	if c.tls {
		scheme = "https://"
		certificate, err := newCertificate(reachableHost(apiListener), reachableHost(dataListener))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("jobstest: %w", err), apiListener.Close(), dataListener.Close())
		}
		config = &tls.Config{Certificates: []tls.Certificate{certificate}}
		k.certificatePEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
		trusted := x509.NewCertPool()
		trusted.AddCert(certificate.Leaf)
		transport.TLSClientConfig = &tls.Config{RootCAs: trusted}
	}
	k.client = &http.Client{Transport: transport}
	k.apiURL = scheme + net.JoinHostPort(reachableHost(apiListener), portOf(apiListener)) + "/"
	k.dataURL = scheme + net.JoinHostPort(reachableHost(dataListener), portOf(dataListener)) + "/"
	k.servers[0] = newHTTPServer(s, s.apiHost, config)
	k.servers[1] = newHTTPServer(s, s.dataHost, config)
	return k, nil
}

func newHTTPServer(s *Server, h host, config *tls.Config) *http.Server {
	return &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if p := s.exchange(w, r, h); p != nil {
				p.send(w)
			}
		}),
		TLSConfig:         config.Clone(), // net/http changes it
		ReadHeaderTimeout: 10 * time.Second,
		// Connections that clients break off are their business.
		ErrorLog: log.New(io.Discard, "", 0),
	}
}

// serve starts the servers, each on a goroutine that ends with close.
func (k *sockets) serve() {
	for i, server := range k.servers {
		k.serving.Go(func() {
			if server.TLSConfig != nil {
				_ = server.ServeTLS(k.listeners[i], "", "")
			} else {
				_ = server.Serve(k.listeners[i])
			}
		})
	}
}

func (k *sockets) close() error {
	err := errors.Join(k.servers[0].Close(), k.servers[1].Close())
	k.client.CloseIdleConnections()
	k.serving.Wait()
	return err
}

func listenHost(address string) string {
	host, _, _ := net.SplitHostPort(address) // net.Listen has accepted it
	return host
}

func portOf(l net.Listener) string {
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

// reachableHost returns an address at which a client on this machine reaches
// the listener, also where it listens on every address.
func reachableHost(l net.Listener) string {
	ip := l.Addr().(*net.TCPAddr).IP
	if ip.IsUnspecified() {
		return "127.0.0.1"
	}
	return ip.String()
}

func newCertificate(hosts ...string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano()),
		Subject:               pkix.Name{CommonName: "jobstest"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.AddDate(1, 0, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	for _, host := range hosts {
		template.IPAddresses = append(template.IPAddresses, net.ParseIP(host))
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}
