//! Checks of people's and accounts' identifiers: check digits, grammars, ranges, numbering plans.
//!
//! Each takes the captured value with its separators, runs in time linear in it, and never panics.

mod europe;
mod health;
mod network;
mod payment;
mod phone;
mod scheme;
mod united_states;
mod world;

type Check = fn(&str) -> bool;

/// The names detector data may use, in alphabetical order.
const CHECKS: &[(&str, Check)] = &[
    ("aba_routing", united_states::is_aba_routing),
    ("at_svnr", europe::is_at_svnr),
    ("au_abn", world::is_au_abn),
    ("au_medicare", world::is_au_medicare),
    ("au_tfn", world::is_au_tfn),
    ("be_national_number", europe::is_be_national_number),
    ("bitcoin_address", payment::is_bitcoin_address),
    ("br_cnpj", world::is_br_cnpj),
    ("br_cpf", world::is_br_cpf),
    ("ca_sin", world::is_ca_sin),
    ("ch_ahv", europe::is_ch_ahv),
    ("cn_resident_id", world::is_cn_resident_id),
    ("de_tax_id", europe::is_de_tax_id),
    ("dea_number", health::is_dea_number),
    ("dk_cpr", europe::is_dk_cpr),
    ("email", network::is_email),
    ("es_dni", europe::is_es_dni),
    ("fi_hetu", europe::is_fi_hetu),
    ("fr_nir", europe::is_fr_nir),
    ("gb_nhs", europe::is_gb_nhs),
    ("gb_nino", europe::is_gb_nino),
    ("iban", payment::is_iban),
    ("icd10", health::is_icd10),
    ("ie_pps", europe::is_ie_pps),
    ("in_aadhaar", world::is_in_aadhaar),
    ("in_pan", world::is_in_pan),
    ("it_codice_fiscale", europe::is_it_codice_fiscale),
    ("jp_my_number", world::is_jp_my_number),
    ("kr_rrn", world::is_kr_rrn),
    ("mac_address", network::is_mac_address),
    ("mbi", health::is_mbi),
    ("nl_bsn", europe::is_nl_bsn),
    ("no_national_id", europe::is_no_national_id),
    ("npi", health::is_npi),
    ("payment_card", payment::is_payment_card),
    ("payment_card_regional", payment::is_regional_card),
    ("phone_international", phone::is_international),
    ("phone_nanp", phone::is_north_american),
    ("phone_national", phone::is_national),
    ("pl_pesel", europe::is_pl_pesel),
    ("private_ip", network::is_private_ip),
    ("pt_nif", europe::is_pt_nif),
    ("public_ip", network::is_public_ip),
    ("se_personnummer", europe::is_se_personnummer),
    ("sg_nric", world::is_sg_nric),
    ("us_itin", united_states::is_itin),
    ("us_ssn", united_states::is_ssn),
    ("za_id", world::is_za_id),
];

/// The check of that name. Called once per detector when the data is loaded.
pub(crate) fn identifier_named(name: &str) -> Option<Check> {
    CHECKS.iter().find(|(known, _)| *known == name).map(|(_, check)| *check)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_no_check_panics_on_odd_input() {
        assert!(CHECKS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let odd = ["", "-", "0", "٣٣٣", "ü", "9".repeat(5_000).as_str(), "A\u{0}B"].map(str::to_owned);
        for (name, check) in CHECKS {
            for value in &odd {
                assert!(!check(value), "{name} {value}");
            }
        }
    }
}
