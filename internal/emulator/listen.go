package emulator

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

// Sockets are the two listeners of a server, one for the API and one for data.
type Sockets struct {
	// APIURL and DataURL are the base URLs of the listeners.
	APIURL, DataURL string
	// Client reaches both listeners.
	Client *http.Client
	// CertificatePEM is the certificate of the listeners, nil without TLS.
	CertificatePEM []byte

	tlsConfig *tls.Config
	listeners [2]net.Listener
	servers   [2]*http.Server
	serving   sync.WaitGroup
}

// Listen opens the listeners. The default of dataAddress is a free port on the
// host of address. The URLs and the certificate contain publicHost, or the
// addresses if it is empty. [Sockets.Serve] accepts connections.
func Listen(address, dataAddress, publicHost string, secure bool) (*Sockets, error) {
	apiListener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	dataListener, err := net.Listen("tcp", cmp.Or(dataAddress, net.JoinHostPort(hostOf(address), "0")))
	if err != nil {
		return nil, errors.Join(err, apiListener.Close())
	}
	apiHost, dataHost := cmp.Or(publicHost, reachableHost(apiListener)), cmp.Or(publicHost, reachableHost(dataListener))
	s := &Sockets{listeners: [2]net.Listener{apiListener, dataListener}}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	scheme := "http://"
	if secure {
		scheme = "https://"
		certificate, err := newCertificate(apiHost, dataHost)
		if err != nil {
			return nil, errors.Join(err, apiListener.Close(), dataListener.Close())
		}
		s.tlsConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
		s.CertificatePEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
		trusted := x509.NewCertPool()
		trusted.AddCert(certificate.Leaf)
		transport.TLSClientConfig = &tls.Config{RootCAs: trusted}
	}
	s.Client = &http.Client{Transport: transport}
	s.APIURL = scheme + net.JoinHostPort(apiHost, portOf(apiListener)) + "/"
	s.DataURL = scheme + net.JoinHostPort(dataHost, portOf(dataListener)) + "/"
	return s, nil
}

// Serve accepts connections. The two goroutines end with Close.
func (s *Sockets) Serve(api, data http.HandlerFunc) {
	for i, handler := range []http.HandlerFunc{api, data} {
		s.servers[i] = &http.Server{
			Handler:           handler,
			TLSConfig:         s.tlsConfig.Clone(), // net/http changes it
			ReadHeaderTimeout: 10 * time.Second,
			ErrorLog:          log.New(io.Discard, "", 0),
		}
		s.serving.Go(func() {
			if s.tlsConfig != nil {
				_ = s.servers[i].ServeTLS(s.listeners[i], "", "")
			} else {
				_ = s.servers[i].Serve(s.listeners[i])
			}
		})
	}
}

// Close closes the listeners and all connections.
func (s *Sockets) Close() error {
	var errs []error
	for i, server := range s.servers {
		if server == nil { // Serve was not called
			errs = append(errs, s.listeners[i].Close())
			continue
		}
		errs = append(errs, server.Close())
	}
	s.Client.CloseIdleConnections()
	s.serving.Wait()
	return errors.Join(errs...)
}

func hostOf(address string) string {
	host, _, _ := net.SplitHostPort(address) // net.Listen has accepted it
	return host
}

func portOf(l net.Listener) string {
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

// reachableHost returns the address of a listener for clients on this machine.
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
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
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
