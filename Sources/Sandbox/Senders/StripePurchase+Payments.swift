internal import Model

extension StripePurchase {
    func paymentIntent(status: String) -> JSONObject {
        let hasSucceeded = status == "succeeded"
        var intent: JSONObject = [
            "id": .string(paymentIntentID), "object": "payment_intent", "amount": .int(amount),
            "amount_capturable": 0, "amount_details": ["tip": [:]], "amount_received": .int(hasSucceeded ? amount : 0),
            "automatic_payment_methods": ["allow_redirects": "always", "enabled": true],
            "capture_method": "automatic_async",
            "client_secret": .string("\(paymentIntentID)_secret_" + ProviderID.make("", tag, length: 25)),
            "confirmation_method": "automatic", "created": .int(startedAt.seconds), "currency": .string(currency),
            "customer": .string(customerID),
            "description": isSubscription ? "Subscription creation" : .null,
        ]
        intent = intent.with([
            "latest_charge": hasSucceeded ? .string(chargeID) : .null, "livemode": .bool(isLive),
            "metadata": isSubscription ? [:] : metadataJSON,
            "payment_method": .string(paymentMethodID),
            "payment_method_configuration_details": ["id": "pmc_1SandboxConfiguration", "parent": nil],
            "payment_method_options": [
                "card": [
                    "installments": nil, "mandate_options": nil, "network": nil, "request_three_d_secure": "automatic",
                ],
                "link": ["persistent_token": nil],
            ], "payment_method_types": ["card", "link"], "status": .string(status),
        ])
        intent = intent.with(
            .nulls(
                """
                application application_fee_amount canceled_at cancellation_reason customer_account \
                excluded_payment_method_types last_payment_error managed_payments next_action on_behalf_of processing \
                receipt_email review setup_future_usage shipping source statement_descriptor \
                statement_descriptor_suffix transfer_data transfer_group
                """))
        if shape == .legacy {
            intent["invoice"] = isSubscription ? .string(invoiceID) : .null
            for name in ["customer_account", "excluded_payment_method_types", "managed_payments"] { intent[name] = nil }
        }
        return intent
    }

    func charge(refunded: Int64) -> JSONObject {
        var charge: JSONObject = [
            "id": .string(chargeID), "object": "charge", "amount": .int(amount), "amount_captured": .int(amount),
            "amount_refunded": .int(refunded),
            "balance_transaction": .string(ProviderID.make("txn_3", tag)), "billing_details": billingDetails,
            "calculated_statement_descriptor": "ACME ASSISTANT", "captured": true,
            "created": .int(startedAt.seconds), "currency": .string(currency), "customer": .string(customerID),
            "disputed": false, "fraud_details": [:], "livemode": .bool(isLive),
            "metadata": isSubscription ? [:] : metadataJSON,
        ]
        charge = charge.with([
            "outcome": [
                "advice_code": nil, "network_advice_code": nil, "network_decline_code": nil,
                "network_status": "approved_by_network", "reason": nil, "risk_level": "normal", "risk_score": 24,
                "seller_message": "Payment complete.", "type": "authorized",
            ], "paid": true, "payment_intent": .string(paymentIntentID), "payment_method": .string(paymentMethodID),
            "payment_method_details": ["card": card, "type": "card"],
            "receipt_url": .string("https://pay.stripe.com/receipts/payment/" + ProviderID.make("", tag, length: 60)),
            "refunded": .bool(refunded >= amount), "status": "succeeded",
        ])
        charge = charge.with(
            .nulls(
                """
                application application_fee application_fee_amount description failure_balance_transaction \
                failure_code failure_message on_behalf_of receipt_email receipt_number review shipping source \
                source_transfer statement_descriptor statement_descriptor_suffix transfer_data transfer_group
                """))
        if shape == .legacy { charge["invoice"] = isSubscription ? .string(invoiceID) : .null }
        return charge
    }

    func refund(_ amount: Int64, status: String, at now: Instant) -> JSONObject {
        let refund: JSONObject = [
            "id": .string(refundID), "object": "refund", "amount": .int(amount),
            "balance_transaction": .string(ProviderID.make("txn_3", tag + " refund")), "charge": .string(chargeID),
            "created": .int(now.seconds), "currency": .string(currency),
            "destination_details": [
                "card": [
                    "reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund",
                ],
                "type": "card",
            ], "metadata": [:], "payment_intent": .string(paymentIntentID), "reason": "requested_by_customer",
            "status": .string(status),
        ]
        let known: JSONObject = [
            "customer": .string(customerID), "customer_account": nil, "payment_method": .string(paymentMethodID),
        ]
        return refund.with(shape == .current ? known : [:])
            .with(.nulls("receipt_number source_transfer_reversal transfer_reversal"))
    }

    func dispute(reason: String, status: String, at now: Instant) -> JSONObject {
        let evidence: JSONObject = JSONObject.nulls(
            """
            access_activity_log billing_address cancellation_policy cancellation_policy_disclosure \
            cancellation_rebuttal customer_communication customer_purchase_ip customer_signature \
            duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description \
            receipt refund_policy refund_policy_disclosure refund_refusal_explanation service_date \
            service_documentation shipping_address shipping_carrier shipping_date shipping_documentation \
            shipping_tracking_number uncategorized_file uncategorized_text
            """
        ).with([
            "customer_email_address": .string(email), "customer_name": .string(name), "enhanced_evidence": [:],
        ])
        return [
            "id": .string(disputeID), "object": "dispute", "amount": .int(amount), "balance_transactions": [],
            "charge": .string(chargeID), "created": .int(now.seconds), "currency": .string(currency),
            "enhanced_eligibility_types": [], "evidence": .object(evidence),
            "evidence_details": [
                "due_by": .int(now.seconds + 1_209_600), "enhanced_eligibility": [:], "has_evidence": false,
                "past_due": false, "submission_count": 0,
            ], "is_charge_refundable": false, "livemode": .bool(isLive), "metadata": [:],
            "payment_intent": .string(paymentIntentID),
            "payment_method_details": [
                "card": ["brand": "visa", "case_type": "chargeback", "network_reason_code": "10.4"], "type": "card",
            ], "reason": .string(reason), "status": .string(status),
        ]
    }

    var billingDetails: JSONValue {
        [
            "address": [
                "city": nil, "country": "US", "line1": nil, "line2": nil, "postal_code": "94107", "state": nil,
            ], "email": .string(email), "name": .string(name), "phone": nil, "tax_id": nil,
        ]
    }

    private var card: JSONValue {
        [
            "amount_authorized": .int(amount), "authorization_code": nil, "brand": "visa",
            "checks": ["address_line1_check": nil, "address_postal_code_check": "pass", "cvc_check": "pass"],
            "country": "US", "exp_month": 8, "exp_year": 2030, "extended_authorization": ["status": "disabled"],
            "fingerprint": .string(ProviderID.make("", email, length: 16)), "funding": "credit",
            "incremental_authorization": ["status": "unavailable"], "installments": nil, "last4": "4242",
            "mandate": nil, "multicapture": ["status": "unavailable"], "network": "visa",
            "network_token": ["used": false], "network_transaction_id": "582910441177203",
            "overcapture": ["maximum_amount_capturable": .int(amount), "status": "unavailable"],
            "regulated_status": "unregulated", "three_d_secure": nil, "wallet": nil,
        ]
    }
}
