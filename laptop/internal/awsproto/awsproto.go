// Package awsproto writes what AWS's services answer, in the wire protocols that their SDKs read:
// query (CloudFormation, STS, IAM), JSON (Secrets Manager), REST JSON (Lambda) and REST XML (S3).
//
// The protocols are specified at https://smithy.io/2.0/aws/protocols/index.html
package awsproto

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Error is an error as an AWS service reports it.
type Error struct {
	Code    string // e.g. ValidationError
	Message string
	Status  int // the HTTP status; 0 means 400
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Errorf makes an Error with status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// From is err as AWS reports it: an Error in its chain, or else an internal failure.
func From(err error) *Error {
	var e *Error
	if !errors.As(err, &e) {
		return &Error{Code: "InternalFailure", Message: err.Error(), Status: http.StatusInternalServerError}
	}
	if e.Status == 0 {
		return &Error{Code: e.Code, Message: e.Message, Status: http.StatusBadRequest}
	}
	return e
}

// NewID is a random UUID, the form of AWS's request IDs.
func NewID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program first
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// NewTrace is the header X-Amzn-Trace-Id of a trace that begins at now, in the form of
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
func NewTrace(now time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint32(b[:], uint32(now.Unix()))
	rand.Read(b[4:]) // never fails: crypto/rand ends the program first
	buf := append(make([]byte, 0, 40), "Root=1-"...)
	buf = hex.AppendEncode(buf, b[:4])
	buf = append(buf, '-')
	return string(hex.AppendEncode(buf, b[4:]))
}

// WriteQuery answers action of the query protocol. result is marshalled as the content of
// <ActionResult>; nil leaves that element out.
func WriteQuery(w http.ResponseWriter, namespace, action string, result any) error {
	type metadata struct {
		RequestID string `xml:"RequestId"`
	}
	body := struct {
		XMLName  xml.Name
		Xmlns    string `xml:"xmlns,attr"`
		Result   any
		Metadata metadata `xml:"ResponseMetadata"`
	}{XMLName: xml.Name{Local: action + "Response"}, Xmlns: namespace, Metadata: metadata{NewID()}}
	if result != nil {
		body.Result = named{action + "Result", result}
	}
	data, err := xml.Marshal(body)
	if err != nil {
		return fmt.Errorf("encoding the answer to %s: %w", action, err)
	}
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("x-amzn-RequestId", body.Metadata.RequestID)
	_, err = w.Write(data)
	return err
}

// named marshals value under an element name that is known at run time.
type named struct {
	name  string
	value any
}

func (n named) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	return e.EncodeElement(n.value, xml.StartElement{Name: xml.Name{Local: n.name}})
}

// WriteQueryError answers err in the query protocol.
func WriteQueryError(w http.ResponseWriter, namespace string, err error) {
	e := From(err)
	fault := "Sender"
	if e.Status >= 500 {
		fault = "Receiver"
	}
	type detail struct{ Type, Code, Message string }
	writeXML(w, e.Status, struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Xmlns     string   `xml:"xmlns,attr"`
		Error     detail
		RequestID string `xml:"RequestId"`
	}{Xmlns: namespace, Error: detail{fault, e.Code, e.Message}, RequestID: NewID()})
}

// WriteXMLError answers err as S3 does; resource is the path that was asked for.
func WriteXMLError(w http.ResponseWriter, resource string, err error) {
	e := From(err)
	writeXML(w, e.Status, struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		Resource  string
		RequestID string `xml:"RequestId"`
	}{Code: e.Code, Message: e.Message, Resource: resource, RequestID: NewID()})
}

func writeXML(w http.ResponseWriter, status int, v any) {
	data, err := xml.Marshal(v)
	if err != nil {
		panic(err) // the values are ours and have no unencodable part
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	// A caller that has gone cannot be told so.
	_, _ = w.Write(append([]byte(xml.Header), data...))
}

// WriteJSON answers v with status in the JSON protocols.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding an answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("x-amzn-RequestId", NewID())
	w.WriteHeader(status)
	_, err = w.Write(data)
	return err
}

// WriteJSONError answers err in the JSON protocols, which name the error's type in a header and
// in the body.
func WriteJSONError(w http.ResponseWriter, err error) {
	e := From(err)
	w.Header().Set("x-amzn-errortype", e.Code)
	kind := "User"
	if e.Status >= 500 {
		kind = "Service"
	}
	// Strings marshal always, and a caller that has gone cannot be told so.
	_ = WriteJSON(w, e.Status, map[string]string{"__type": e.Code, "Type": kind, "message": e.Message, "Message": e.Message})
}
