"""What a user of Kable fills in once. Source: Kable's public settings table."""

from __future__ import annotations

from ..definitions import InputField

settings = {
    "apiKey": InputField(
        label="API Key",
        description=(
            "Your Kable secret key, from the Company page of the Kable dashboard (https://dashboard.kable.io/company). "
            "Live and Test have separate keys: a key that begins with sk_test sends to Test, and a Live key to Live. "
            "Any other key is refused."
        ),
        type="password",
        required=True,
        placeholder="sk_test.h6kVNO3I...",
    ),
    "kableClientId": InputField(
        label="Kable Client ID",
        description=(
            "Your own Kable Client ID, not that of a customer. It is on the Company page of the Kable dashboard "
            "(https://dashboard.kable.io/company)."
        ),
        type="string",
        required=True,
        placeholder="kci_3c90e9ac92c6...",
    ),
    "clientIdField": InputField(
        label="Client ID Field",
        description=(
            "The field of the Segment event that holds the Client ID of the Kable customer. "
            "When it is empty, userId is used. Use dots for nested fields, such as context.groupId."
        ),
        type="string",
        placeholder="userId",
    ),
    "propertiesMappings": InputField(
        label="Properties Mappings",
        description=(
            "Optional new names for event properties. Write the Segment property on the left, with dots for nested "
            "ones, and the Kable dimension on the right. "
            "A mapped value replaces a property of the same name; "
            "all other properties pass through under their own names."
        ),
        type="text-map",
        placeholder="segmentX : kableX, nested.field : dimension",
    ),
}
