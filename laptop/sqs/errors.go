package sqs

import (
	"net/http"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// queryCodes are what the query protocol calls errors, where that is not the name that the JSON
// protocol has for them. SDKs of both kinds ask for these: the JSON protocol tells them in the header
// x-amzn-query-error. They are those of
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html and of each action's page.
func queryCode(code string) string {
	switch code {
	case "QueueDoesNotExist":
		return "AWS.SimpleQueueService.NonExistentQueue"
	case "QueueNameExists":
		return "QueueAlreadyExists"
	case "BatchEntryIdsNotDistinct", "BatchRequestTooLong", "EmptyBatchRequest", "InvalidBatchEntryId", "MessageNotInflight",
		"TooManyEntriesInBatchRequest", "UnsupportedOperation":
		return "AWS.SimpleQueueService." + code
	}
	return code
}

func noSuchQueue() error {
	return awsproto.Errorf("QueueDoesNotExist", "The specified queue does not exist.")
}

func missing(parameter string) error {
	return awsproto.Errorf("MissingParameter", "The request must contain the parameter %s.", parameter)
}

func invalid(format string, args ...any) error {
	return awsproto.Errorf("InvalidParameterValue", format, args...)
}

func unsupported(format string, args ...any) error {
	return awsproto.Errorf("UnsupportedOperation", format, args...)
}

func badReceipt() error {
	return &awsproto.Error{Code: "ReceiptHandleIsInvalid", Status: http.StatusNotFound, Message: "The input receipt handle is invalid."}
}

func closing() error {
	return &awsproto.Error{Code: "ServiceUnavailable", Status: http.StatusServiceUnavailable, Message: "SQS is shutting down, or the queue was deleted"}
}
