package deploy_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// registry is a registry of images for one push after the other, and as much of Amazon ECR's API as a deployment
// asks for. Like ECR it lets nobody in without the token that GetAuthorizationToken gives.
//
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md
type registry struct {
	host string

	mu               sync.Mutex
	repository       string
	blobs, manifests map[string][]byte // manifests by digest and by tag
	upload           []byte
}

// manifest and layer are what has been pushed under a digest.
func (r *registry) manifest(digest string) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.manifests[digest]
}

func (r *registry) layer(digest string) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.blobs[digest]
}

const registryToken = "AWS:the token"

func (r *registry) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, err := io.ReadAll(q.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if target := q.Header.Get("X-Amz-Target"); target != "" {
		_, call, _ := strings.Cut(target, ".")
		r.ecr(w, call, body)
		return
	}
	user, password, _ := q.BasicAuth()
	if user+":"+password != registryToken {
		w.Header().Set("WWW-Authenticate", `Basic realm="ecr"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	last := q.URL.Path[strings.LastIndexByte(q.URL.Path, '/')+1:]
	switch {
	case q.URL.Path == "/v2/":
	case strings.Contains(q.URL.Path, "/blobs/uploads/"):
		r.blob(w, q, body)
	case strings.Contains(q.URL.Path, "/blobs/"):
		serve(w, q, r.blobs[last])
	case strings.Contains(q.URL.Path, "/manifests/") && q.Method == http.MethodPut:
		digest := fmt.Sprintf("sha256:%x", sha256.Sum256(body))
		r.manifests[last], r.manifests[digest] = body, body
		w.Header().Set("Docker-Content-Digest", digest)
		w.WriteHeader(http.StatusCreated)
	case strings.Contains(q.URL.Path, "/manifests/"):
		serve(w, q, r.manifests[last])
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func serve(w http.ResponseWriter, q *http.Request, content []byte) {
	if content == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	if q.Method != http.MethodHead {
		_, _ = w.Write(content) // whoever has gone does not want it
	}
}

// blob takes an upload: POST, PATCHes with what there is, and PUT with its digest.
func (r *registry) blob(w http.ResponseWriter, q *http.Request, body []byte) {
	w.Header().Set("Location", q.URL.Path)
	switch q.Method {
	case http.MethodPost:
		r.upload = nil
		w.Header().Set("Location", q.URL.Path+"1")
		w.WriteHeader(http.StatusAccepted)
	case http.MethodPatch:
		r.upload = append(r.upload, body...)
		w.Header().Set("Range", fmt.Sprintf("0-%d", len(r.upload)-1))
		w.WriteHeader(http.StatusAccepted)
	case http.MethodPut:
		r.upload = append(r.upload, body...)
		digest := fmt.Sprintf("sha256:%x", sha256.Sum256(r.upload))
		if digest != q.URL.Query().Get("digest") {
			http.Error(w, "this is "+digest, http.StatusBadRequest)
			return
		}
		r.blobs[digest] = r.upload
		w.WriteHeader(http.StatusCreated)
	}
}

// ecr answers a call as ECR would.
//
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html
func (r *registry) ecr(w http.ResponseWriter, call string, body []byte) {
	var in struct {
		RepositoryName string
		ImageIds       []struct{ ImageTag string }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fail := func(code string) {
		w.Header().Set("X-Amzn-Errortype", code)
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"__type": %q, "message": "no"}`, code)
	}
	repository := map[string]any{"repositoryName": r.repository, "repositoryUri": r.host + "/" + r.repository}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	var out any
	switch call {
	case "DescribeRepositories":
		if r.repository == "" {
			fail("RepositoryNotFoundException")
			return
		}
		out = map[string]any{"repositories": []any{repository}}
	case "CreateRepository":
		r.repository = in.RepositoryName
		out = map[string]any{"repository": map[string]any{"repositoryName": r.repository, "repositoryUri": r.host + "/" + r.repository}}
	case "GetRepositoryPolicy":
		out = map[string]any{"policyText": "{}"}
	case "GetAuthorizationToken":
		out = map[string]any{"authorizationData": []any{map[string]any{"authorizationToken": base64.StdEncoding.EncodeToString([]byte(registryToken)), "proxyEndpoint": "https://" + r.host}}}
	case "DescribeImages":
		manifest := r.manifests[in.ImageIds[0].ImageTag]
		if manifest == nil {
			fail("ImageNotFoundException")
			return
		}
		var is struct{ MediaType string }
		if err := json.Unmarshal(manifest, &is); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		out = map[string]any{"imageDetails": []any{map[string]any{
			"imageDigest": fmt.Sprintf("sha256:%x", sha256.Sum256(manifest)), "imageManifestMediaType": is.MediaType, "imageSizeInBytes": len(manifest),
		}}}
	default:
		fail("UnknownOperationException")
		return
	}
	_ = json.NewEncoder(w).Encode(out) // whoever has gone does not want it
}
