package grafanatest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"

	"github.com/ephor-io/ephor/internal/proxytest"
)

// Source is a data source as a file of provisioning, and the API, have it.
//
// https://grafana.com/docs/grafana/latest/administration/provisioning/#data-sources
// https://grafana.com/docs/grafana/latest/developers/http_api/data_source/
type Source struct {
	Name           string            `json:"name"`
	UID            string            `json:"uid"`
	Type           string            `json:"type"`
	Access         string            `json:"access"`
	URL            string            `json:"url"`
	BasicAuth      bool              `json:"basicAuth"`
	BasicAuthUser  string            `json:"basicAuthUser"`
	JSONData       map[string]any    `json:"jsonData"`
	SecureJSONData map[string]string `json:"secureJsonData,omitempty"`
}

// Connect adds or replaces a data source.
func (s *Server) Connect(source Source) error {
	if source.Name == "" || source.UID == "" || source.Type == "" || source.Access != "proxy" {
		return fmt.Errorf("data source %q: name, uid, type and access: proxy are needed", source.UID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sources == nil {
		s.sources = map[string]Source{}
	}
	s.sources[source.UID] = source
	return nil
}

func (s *Server) source(uid string) (Source, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	source, there := s.sources[uid]
	return source, there
}

func (s *Server) addSource(w http.ResponseWriter, r *http.Request) {
	var in Source
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"message": "bad request data"})
		return
	}
	if _, there := s.source(in.UID); there {
		answer(w, http.StatusConflict, map[string]string{"message": "data source with the same name already exists"})
		return
	}
	s.connected(w, in, "Datasource added")
}

func (s *Server) putSource(w http.ResponseWriter, r *http.Request) {
	var in Source
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"message": "bad request data"})
		return
	}
	if _, there := s.source(r.PathValue("uid")); !there {
		answer(w, http.StatusNotFound, map[string]string{"message": "Data source not found"})
		return
	}
	in.UID = r.PathValue("uid")
	s.connected(w, in, "Datasource updated")
}

func (s *Server) connected(w http.ResponseWriter, in Source, message string) {
	if err := s.Connect(in); err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"message": err.Error()})
		return
	}
	answer(w, http.StatusOK, map[string]any{"message": message, "name": in.Name})
}

// getSource never tells what is secure.
func (s *Server) getSource(w http.ResponseWriter, r *http.Request) {
	source, there := s.source(r.PathValue("uid"))
	if !there {
		answer(w, http.StatusNotFound, map[string]string{"message": "Data source not found"})
		return
	}
	source.SecureJSONData = nil
	answer(w, http.StatusOK, source)
}

// proxy passes a request on to the data source's server, with the data source's own credentials.
//
// https://grafana.com/docs/grafana/latest/developers/http_api/data_source/#data-source-proxy-calls
func (s *Server) proxy(w http.ResponseWriter, r *http.Request) {
	source, there := s.source(r.PathValue("uid"))
	if !there {
		answer(w, http.StatusNotFound, map[string]string{"message": "Unable to find datasource"})
		return
	}
	target, err := url.Parse(source.URL)
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"message": err.Error()})
		return
	}
	roots := x509.NewCertPool()
	if verifies, _ := source.JSONData["tlsAuthWithCACert"].(bool); !verifies {
		roots = nil
	} else if !roots.AppendCertsFromPEM([]byte(source.SecureJSONData["tlsCACert"])) {
		answer(w, http.StatusInternalServerError, map[string]string{"message": "failed to parse TLS CA PEM certificate"})
		return
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
	proxytest.Whole(&httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Path, p.Out.URL.RawPath = "/"+r.PathValue("path"), ""
			p.SetURL(target)
			p.Out.Header.Del("Authorization")
			if source.BasicAuth {
				p.Out.SetBasicAuth(source.BasicAuthUser, source.SecureJSONData["basicAuthPassword"])
			}
		},
	}).ServeHTTP(w, r)
}
