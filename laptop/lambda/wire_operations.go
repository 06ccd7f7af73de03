package lambda

import (
	"net/http"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// operations are those of https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html. What
// this machine does not have is refused by name or, where even that is unknown, by path.
var operations = []operation{
	{"CreateFunction", "POST", "/2015-03-31/functions", (*Service).serveCreate},
	{"ListFunctions", "GET", "/2015-03-31/functions", (*Service).serveList},
	{"GetFunction", "GET", "/2015-03-31/functions/{}", (*Service).serveGet},
	{"DeleteFunction", "DELETE", "/2015-03-31/functions/{}", removing((*Service).DeleteFunction)},
	{"GetFunctionConfiguration", "GET", "/2015-03-31/functions/{}/configuration", (*Service).serveGetConfiguration},
	{"UpdateFunctionConfiguration", "PUT", "/2015-03-31/functions/{}/configuration", (*Service).serveUpdateConfiguration},
	{"UpdateFunctionCode", "PUT", "/2015-03-31/functions/{}/code", (*Service).serveUpdateCode},
	{"ListVersionsByFunction", "GET", "/2015-03-31/functions/{}/versions", (*Service).serveListVersions},
	{"PublishVersion", "POST", "/2015-03-31/functions/{}/versions", (*Service).servePublishVersion},

	{"CreateAlias", "POST", "/2015-03-31/functions/{}/aliases", (*Service).serveCreateAlias},
	{"ListAliases", "GET", "/2015-03-31/functions/{}/aliases", (*Service).serveListAliases},
	{"GetAlias", "GET", "/2015-03-31/functions/{}/aliases/{}", (*Service).serveGetAlias},
	{"UpdateAlias", "PUT", "/2015-03-31/functions/{}/aliases/{}", (*Service).serveUpdateAlias},
	{"DeleteAlias", "DELETE", "/2015-03-31/functions/{}/aliases/{}", (*Service).serveDeleteAlias},

	{"Invoke", "POST", "/2015-03-31/functions/{}/invocations", (*Service).serveInvoke},
	{"InvokeAsync", "POST", "/2014-11-13/functions/{}/invoke-async", (*Service).serveInvokeAsync},
	{"InvokeWithResponseStream", "POST", "/2021-11-15/functions/{}/response-streaming-invocations", (*Service).serveInvokeStream},
	{"PutFunctionEventInvokeConfig", "PUT", "/2019-09-25/functions/{}/event-invoke-config", (*Service).servePutEventInvoke},
	{"UpdateFunctionEventInvokeConfig", "POST", "/2019-09-25/functions/{}/event-invoke-config", (*Service).serveUpdateEventInvoke},
	{"GetFunctionEventInvokeConfig", "GET", "/2019-09-25/functions/{}/event-invoke-config", reading((*Service).EventInvokeConfig, describeEventInvoke)},
	{"DeleteFunctionEventInvokeConfig", "DELETE", "/2019-09-25/functions/{}/event-invoke-config", removing((*Service).DeleteEventInvokeConfig)},
	{"ListFunctionEventInvokeConfigs", "GET", "/2019-09-25/functions/{}/event-invoke-config/list", (*Service).serveListEventInvoke},

	{"AddPermission", "POST", "/2015-03-31/functions/{}/policy", (*Service).serveAddPermission},
	{"GetPolicy", "GET", "/2015-03-31/functions/{}/policy", (*Service).serveGetPolicy},
	{"RemovePermission", "DELETE", "/2015-03-31/functions/{}/policy/{}", (*Service).serveRemovePermission},

	{"GetAccountSettings", "GET", "/2016-08-19/account-settings", (*Service).serveAccountSettings},
	{"PutFunctionConcurrency", "PUT", "/2017-10-31/functions/{}/concurrency", (*Service).servePutConcurrency},
	{"DeleteFunctionConcurrency", "DELETE", "/2017-10-31/functions/{}/concurrency", (*Service).serveDeleteConcurrency},
	{"GetFunctionConcurrency", "GET", "/2019-09-30/functions/{}/concurrency", (*Service).serveGetConcurrency},
	{"PutProvisionedConcurrencyConfig", "PUT", "/2019-09-30/functions/{}/provisioned-concurrency", (*Service).servePutProvisioned},
	{"GetProvisionedConcurrencyConfig", "GET", "/2019-09-30/functions/{}/provisioned-concurrency", (*Service).serveGetProvisioned},
	{"DeleteProvisionedConcurrencyConfig", "DELETE", "/2019-09-30/functions/{}/provisioned-concurrency", removing((*Service).DeleteProvisionedConcurrency)},

	{"ListTags", "GET", "/2017-03-31/tags/{}", (*Service).serveListTags},
	{"TagResource", "POST", "/2017-03-31/tags/{}", (*Service).serveTag},
	{"UntagResource", "DELETE", "/2017-03-31/tags/{}", (*Service).serveUntag},

	{"CreateFunctionUrlConfig", "POST", "/2021-10-31/functions/{}/url", (*Service).serveCreateURL},
	{"UpdateFunctionUrlConfig", "PUT", "/2021-10-31/functions/{}/url", (*Service).serveUpdateURL},
	{"GetFunctionUrlConfig", "GET", "/2021-10-31/functions/{}/url", reading((*Service).FunctionURL, describeURL)},
	{"DeleteFunctionUrlConfig", "DELETE", "/2021-10-31/functions/{}/url", removing((*Service).DeleteFunctionURL)},
	{"ListFunctionUrlConfigs", "GET", "/2021-10-31/functions/{}/urls", (*Service).serveListURLs},

	{"ListLayers", "GET", "/2018-10-31/layers", (*Service).serveListLayers},
	{"ListLayerVersions", "GET", "/2018-10-31/layers/{}/versions", (*Service).serveListLayerVersions},
	{"PublishLayerVersion", "POST", "/2018-10-31/layers/{}/versions", (*Service).servePublishLayer},
	{"GetLayerVersion", "GET", "/2018-10-31/layers/{}/versions/{}", (*Service).serveGetLayer},
	{"DeleteLayerVersion", "DELETE", "/2018-10-31/layers/{}/versions/{}", (*Service).serveDeleteLayer},
	{"AddLayerVersionPermission", "POST", "/2018-10-31/layers/{}/versions/{}/policy", (*Service).serveAddLayerPermission},
	{"GetLayerVersionPolicy", "GET", "/2018-10-31/layers/{}/versions/{}/policy", (*Service).serveGetLayerPolicy},
	{"RemoveLayerVersionPermission", "DELETE", "/2018-10-31/layers/{}/versions/{}/policy/{}", (*Service).serveRemoveLayerPermission},

	{"CreateEventSourceMapping", "POST", "/2015-03-31/event-source-mappings", (*Service).serveCreateEventSource},
	{"ListEventSourceMappings", "GET", "/2015-03-31/event-source-mappings", (*Service).serveListEventSources},
	{"GetEventSourceMapping", "GET", "/2015-03-31/event-source-mappings/{}", (*Service).serveGetEventSource},
	{"UpdateEventSourceMapping", "PUT", "/2015-03-31/event-source-mappings/{}", (*Service).serveUpdateEventSource},
	{"DeleteEventSourceMapping", "DELETE", "/2015-03-31/event-source-mappings/{}", (*Service).serveDeleteEventSource},

	{"Profile, which AWS does not have", "POST", "/ephor/functions/{}/profile", (*Service).serveProfile},

	refused("CreateCodeSigningConfig", "POST", "/2020-04-22/code-signing-configs"),
	refused("ListCodeSigningConfigs", "GET", "/2020-04-22/code-signing-configs"),
	refused("GetCodeSigningConfig", "GET", "/2020-04-22/code-signing-configs/{}"),
	refused("UpdateCodeSigningConfig", "PUT", "/2020-04-22/code-signing-configs/{}"),
	refused("DeleteCodeSigningConfig", "DELETE", "/2020-04-22/code-signing-configs/{}"),
	refused("ListFunctionsByCodeSigningConfig", "GET", "/2020-04-22/code-signing-configs/{}/functions"),
	refused("PutFunctionCodeSigningConfig", "PUT", "/2020-06-30/functions/{}/code-signing-config"),
	refused("GetFunctionCodeSigningConfig", "GET", "/2020-06-30/functions/{}/code-signing-config"),
	refused("DeleteFunctionCodeSigningConfig", "DELETE", "/2020-06-30/functions/{}/code-signing-config"),
	refused("PutRuntimeManagementConfig", "PUT", "/2021-07-20/functions/{}/runtime-management-config"),
	refused("GetRuntimeManagementConfig", "GET", "/2021-07-20/functions/{}/runtime-management-config"),
	refused("PutFunctionRecursionConfig", "PUT", "/2024-08-31/functions/{}/recursion-config"),
	refused("GetFunctionRecursionConfig", "GET", "/2024-08-31/functions/{}/recursion-config"),
	refused("PutFunctionScalingConfig", "PUT", "/2025-11-30/functions/{}/function-scaling-config"),
	refused("GetFunctionScalingConfig", "GET", "/2025-11-30/functions/{}/function-scaling-config"),
	refused("CreateCapacityProvider", "POST", "/2025-11-30/capacity-providers"),
	refused("ListCapacityProviders", "GET", "/2025-11-30/capacity-providers"),
	refused("GetCapacityProvider", "GET", "/2025-11-30/capacity-providers/{}"),
	refused("UpdateCapacityProvider", "PUT", "/2025-11-30/capacity-providers/{}"),
	refused("DeleteCapacityProvider", "DELETE", "/2025-11-30/capacity-providers/{}"),
	refused("ListFunctionVersionsByCapacityProvider", "GET", "/2025-11-30/capacity-providers/{}/function-versions"),
	refused("ListDurableExecutionsByFunction", "GET", "/2025-12-01/functions/{}/durable-executions"),
	refused("GetDurableExecution", "GET", "/2025-12-01/durable-executions/{}"),
	refused("GetDurableExecutionHistory", "GET", "/2025-12-01/durable-executions/{}/history"),
	refused("GetDurableExecutionState", "GET", "/2025-12-01/durable-executions/{}/state"),
	refused("CheckpointDurableExecution", "POST", "/2025-12-01/durable-executions/{}/checkpoint"),
	refused("StopDurableExecution", "POST", "/2025-12-01/durable-executions/{}/stop"),
	refused("SendDurableExecutionCallbackSuccess", "POST", "/2025-12-01/durable-execution-callbacks/{}/succeed"),
	refused("SendDurableExecutionCallbackFailure", "POST", "/2025-12-01/durable-execution-callbacks/{}/fail"),
	refused("SendDurableExecutionCallbackHeartbeat", "POST", "/2025-12-01/durable-execution-callbacks/{}/heartbeat"),
	refused("GetResourcePolicy", "GET", "/2026-07-09/resource-policy/{}"),
	refused("PutResourcePolicy", "PUT", "/2026-07-09/resource-policy/{}"),
	refused("DeleteResourcePolicy", "DELETE", "/2026-07-09/resource-policy/{}"),
}

func refused(name, method, path string) operation {
	return operation{name, method, path, func(*Service, http.ResponseWriter, *http.Request, string) error {
		return errNotImplemented(name + " is not implemented on this machine")
	}}
}

func errNotImplemented(message string) error {
	return &awsproto.Error{Code: "NotImplementedException", Message: message, Status: http.StatusNotImplemented}
}
