"""The provider service of Terraform's plugin protocol 6."""

import os
import threading
import traceback
from collections.abc import Callable
from functools import wraps
from typing import Any

from tests.azure_sim.cloud import Cloud
from tests.azure_sim.errors import CloudError
from tests.azure_sim.provider import check, data, plan
from tests.azure_sim.provider.crud import Client, Refused, Values, importable
from tests.azure_sim.provider.functions import FUNCTIONS
from tests.azure_sim.provider.pb import messages as pb
from tests.azure_sim.provider.schema import provider_schema, resource_fields
from tests.azure_sim.provider.wire import attribute_path, decode, encode, error, function, is_unknown, known, schema

# azurerm is made with the old SDK, and says so: core then logs what it would refuse from a newer provider.
# Tests of this mock switch that off, where a resource has none of the old SDK's peculiarities.
LEGACY = os.environ.get("AZSIM_STRICT") != "1"

Method = Callable[["Provider", Any], Any]
Rpc = Callable[["Provider", Any, Any], Any]


def answering(response: Any) -> Callable[[Method], Rpc]:
    """A method as gRPC calls it; its errors become diagnostics of its response."""

    def decorate(method: Method) -> Rpc:
        @wraps(method)
        def call(self: "Provider", request: Any, _context: Any) -> Any:
            try:
                return method(self, request)
            except Refused as refused:
                return response(diagnostics=[error(str(refused))])
            except Exception as unforeseen:
                # A bug of the mock has to look like one, not like an answer of Azure's.
                return response(diagnostics=[error(f"stand-in azurerm: {unforeseen!r}", traceback.format_exc())])

        return call

    return decorate


class Provider:
    """One provider process: configured once, then asked about resources."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._client: Client | None = None
        self._stopped = threading.Event()

    @property
    def client(self) -> Client:
        """The configured client."""
        assert self._client, "the provider is not configured"
        return self._client

    @answering(pb.GetMetadata.Response)
    def GetMetadata(self, _request: Any) -> Any:
        """What there is, without the schemas."""
        own = provider_schema()
        response = pb.GetMetadata
        return response.Response(
            server_capabilities=CAPABILITIES,
            resources=[response.ResourceMetadata(type_name=name) for name in own["resource_schemas"]],
            data_sources=[response.DataSourceMetadata(type_name=name) for name in own["data_source_schemas"]],
            functions=[response.FunctionMetadata(name=name) for name in own["functions"]],
        )

    @answering(pb.GetProviderSchema.Response)
    def GetProviderSchema(self, _request: Any) -> Any:
        """All schemas."""
        own = provider_schema()
        return pb.GetProviderSchema.Response(
            provider=schema(own["provider"]),
            resource_schemas={name: schema(one) for name, one in own["resource_schemas"].items()},
            data_source_schemas={name: schema(one) for name, one in own["data_source_schemas"].items()},
            functions={name: function(one) for name, one in own["functions"].items()},
            server_capabilities=CAPABILITIES,
        )

    @answering(pb.ValidateProviderConfig.Response)
    def ValidateProviderConfig(self, request: Any) -> Any:
        """azurerm wants a `features` block, even an empty one."""
        config = decode(request.config)
        problems = [] if config["features"] else [error("Insufficient features blocks", "features {} is needed")]
        return pb.ValidateProviderConfig.Response(diagnostics=problems)

    @answering(pb.ConfigureProvider.Response)
    def ConfigureProvider(self, request: Any) -> Any:
        """Take the subscription and the features, and see whether the credential is good."""
        config = decode(request.config)
        subscription = known(config["subscription_id"]) or os.environ.get("ARM_SUBSCRIPTION_ID")
        if not subscription:
            raise Refused("`subscription_id` is a required provider property when performing a plan/apply operation")
        groups = config["features"][0]["resource_group"] if config["features"] else []
        keep = groups[0]["prevent_deletion_if_contains_resources"] if groups else None
        self._client = Client(self._cloud, subscription, self._stopped, keep_filled_groups=keep is not False)
        try:
            self._cloud.authenticate(subscription)
        except CloudError as refused:
            raise Refused(f"building account: could not acquire access token to parse claims: {refused}") from refused
        return pb.ConfigureProvider.Response()

    @answering(pb.ValidateResourceConfig.Response)
    def ValidateResourceConfig(self, request: Any) -> Any:
        """Which arguments exclude or need each other."""
        problems = check.problems(resource_fields(request.type_name), decode(request.config))
        return pb.ValidateResourceConfig.Response(diagnostics=problems)

    @answering(pb.ValidateDataResourceConfig.Response)
    def ValidateDataResourceConfig(self, _request: Any) -> Any:
        """Core has checked it against the schema; more is not known of data sources."""
        return pb.ValidateDataResourceConfig.Response()

    @answering(pb.UpgradeResourceState.Response)
    def UpgradeResourceState(self, request: Any) -> Any:
        """State is always of this very schema."""
        return pb.UpgradeResourceState.Response(upgraded_state=pb.DynamicValue(json=request.raw_state.json))

    @answering(pb.ReadResource.Response)
    def ReadResource(self, request: Any) -> Any:
        """Refresh."""
        state = self.client.read(request.type_name, decode(request.current_state))
        return pb.ReadResource.Response(new_state=encode(state), private=request.private)

    @answering(pb.PlanResourceChange.Response)
    def PlanResourceChange(self, request: Any) -> Any:
        """What a resource will be, and whether it has to be made anew."""
        fields = resource_fields(request.type_name)
        prior, proposed = decode(request.prior_state), decode(request.proposed_new_state)
        after = plan.planned(fields, proposed, prior) if proposed is not None else None
        forced = plan.replacements(fields, prior, after) if prior is not None and after is not None else []
        return pb.PlanResourceChange.Response(
            planned_state=encode(after), requires_replace=[attribute_path(path) for path in forced],
            planned_private=request.prior_private, legacy_type_system=LEGACY,
        )  # fmt: skip

    @answering(pb.ApplyResourceChange.Response)
    def ApplyResourceChange(self, request: Any) -> Any:
        """Make, change or delete a resource."""
        response = pb.ApplyResourceChange.Response
        prior, after = decode(request.prior_state), decode(request.planned_state)
        try:
            state = self._apply(request.type_name, prior, after, decode(request.config))
        except Refused as refused:
            left = refused.state if prior is None else prior
            return response(new_state=encode(left), diagnostics=[error(str(refused))], legacy_type_system=LEGACY)
        return response(new_state=encode(state), legacy_type_system=LEGACY)

    def _apply(self, name: str, prior: Values | None, after: Values | None, config: Values | None) -> Values | None:
        if after is None:
            self.client.delete(name, prior or {})
            return None
        planned = known(after)
        secrets = {key: config[key] for key, one in resource_fields(name).items() if one.write_only and config}
        if prior is None:
            return self.client.create(name, planned, planned | secrets)
        return self.client.update(name, planned, planned | secrets)

    @answering(pb.ImportResourceState.Response)
    def ImportResourceState(self, request: Any) -> Any:
        """Take the names from an id; core then reads the resource, and refuses what is not there."""
        state = importable(request.type_name, request.id)
        if state is None or check.misspelt(request.id):
            raise Refused(f"parsing {request.id!r}: it is no id of {request.type_name} that can be imported")
        imported = pb.ImportResourceState.ImportedResource(type_name=request.type_name, state=encode(state))
        return pb.ImportResourceState.Response(imported_resources=[imported])

    @answering(pb.MoveResourceState.Response)
    def MoveResourceState(self, _request: Any) -> Any:
        """Nothing moves between types."""
        raise Refused("azurerm does not move state between resource types")

    @answering(pb.ReadDataSource.Response)
    def ReadDataSource(self, request: Any) -> Any:
        """The state of a data source."""
        return pb.ReadDataSource.Response(
            state=encode(data.read(self.client, request.type_name, decode(request.config)))
        )

    @answering(pb.GetFunctions.Response)
    def GetFunctions(self, _request: Any) -> Any:
        """The provider's functions."""
        functions = {name: function(one) for name, one in provider_schema()["functions"].items()}
        return pb.GetFunctions.Response(functions=functions)

    def CallFunction(self, request: Any, _context: Any) -> Any:
        """Call one."""
        (argument,) = (decode(one) for one in request.arguments)
        if is_unknown(argument):
            return pb.CallFunction.Response(result=encode(argument))
        try:
            return pb.CallFunction.Response(result=encode(FUNCTIONS[request.name](argument)))
        except ValueError as invalid:
            return pb.CallFunction.Response(error=pb.FunctionError(text=str(invalid)))

    def StopProvider(self, _request: Any, _context: Any) -> Any:
        """An interrupt: whoever waits gives up."""
        self._stopped.set()
        return pb.StopProvider.Response()


# Without `plan_destroy` a destroy comes as an apply; with the other, core asks for schemas once a command.
CAPABILITIES = pb.ServerCapabilities(get_provider_schema_optional=True)
