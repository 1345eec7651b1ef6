//! Checks of people's and accounts' identifiers: check digits, grammars, ranges, numbering plans.
//!
//! Each takes the captured value with its separators, runs in time linear in it, and never panics.

mod americas;
mod asia;
mod document;
mod east_europe;
mod europe;
mod health;
mod network;
mod nordic;
mod payment;
mod person;
mod phone;
mod plans;
mod scheme;
mod south;
mod united_states;

type Check = fn(&str) -> bool;

/// The names detector data may use, in alphabetical order.
const CHECKS: &[(&str, Check)] = &[
    ("aba_routing", united_states::is_aba_routing),
    ("account_number", document::is_account_number),
    ("ae_emirates_id", asia::is_ae_emirates_id),
    ("any_national_id", any_national_id),
    ("ar_cuit", americas::is_ar_cuit),
    ("at_svnr", europe::is_at_svnr),
    ("at_tax_number", europe::is_at_tax_number),
    ("au_abn", south::is_au_abn),
    ("au_acn", south::is_au_acn),
    ("au_medicare", south::is_au_medicare),
    ("au_tfn", south::is_au_tfn),
    ("baltic_personal_code", nordic::is_baltic_personal_code),
    ("be_national_number", europe::is_be_national_number),
    ("bg_egn", east_europe::is_bg_egn),
    ("bic", payment::is_bic),
    ("birth_date", person::is_birth_date),
    ("bitcoin_address", payment::is_bitcoin_address),
    ("br_cnpj", americas::is_br_cnpj),
    ("br_cpf", americas::is_br_cpf),
    ("br_health_card", americas::is_br_health_card),
    ("ca_bc_health_number", americas::is_ca_bc_health_number),
    ("ca_sin", americas::is_ca_sin),
    ("ch_ahv", europe::is_ch_ahv),
    ("cl_rut", americas::is_cl_rut),
    ("cn_resident_id", asia::is_cn_resident_id),
    ("co_nit", americas::is_co_nit),
    ("cy_tax_number", europe::is_cy_tax_number),
    ("cz_birth_number", east_europe::is_cz_birth_number),
    ("cz_checked_birth_number", east_europe::is_cz_checked_birth_number),
    ("de_card_number", europe::is_de_card_number),
    ("de_health_insurance_number", health::is_de_health_insurance_number),
    ("de_pension_number", europe::is_de_pension_number),
    ("de_physician_number", health::is_de_physician_number),
    ("de_tax_id", europe::is_de_tax_id),
    ("dea_number", health::is_dea_number),
    ("disguised_email", network::is_disguised_email),
    ("dk_checked_cpr", nordic::is_dk_checked_cpr),
    ("dk_cpr", nordic::is_dk_cpr),
    ("do_cedula", americas::is_do_cedula),
    ("ec_cedula_or_ruc", americas::is_ec_cedula_or_ruc),
    ("email", network::is_email),
    ("es_cif", europe::is_es_cif),
    ("es_dni", europe::is_es_dni),
    ("fi_hetu", nordic::is_fi_hetu),
    ("fr_nir", europe::is_fr_nir),
    ("fr_tax_number", europe::is_fr_tax_number),
    ("gb_driving_licence", europe::is_gb_driving_licence),
    ("gb_nhs", europe::is_gb_nhs),
    ("gb_nino", europe::is_gb_nino),
    ("gb_utr", europe::is_gb_utr),
    ("gr_afm", east_europe::is_gr_afm),
    ("gr_amka", east_europe::is_gr_amka),
    ("gt_nit", americas::is_gt_nit),
    ("has_five_digits", document::has_five_digits),
    ("has_four_digits", document::has_four_digits),
    ("hk_identity_card", asia::is_hk_identity_card),
    ("hr_oib", east_europe::is_hr_oib),
    ("hu_taj", east_europe::is_hu_taj),
    ("hu_tax_id", east_europe::is_hu_tax_id),
    ("iban", payment::is_iban),
    ("icd10", health::is_icd10),
    ("icd10_compact", health::is_compact_icd10),
    ("id_nik", asia::is_id_nik),
    ("ie_pps", europe::is_ie_pps),
    ("il_identity_number", asia::is_il_identity_number),
    ("imei", document::is_imei),
    ("in_aadhaar", asia::is_in_aadhaar),
    ("in_gstin", asia::is_in_gstin),
    ("in_pan", asia::is_in_pan),
    ("ir_national_code", asia::is_ir_national_code),
    ("is_kennitala", nordic::is_is_kennitala),
    ("issued_number", document::is_issued_number),
    ("it_codice_fiscale", europe::is_it_codice_fiscale),
    ("it_vat", europe::is_it_vat),
    ("jmbg", east_europe::is_jmbg),
    ("jp_my_number", asia::is_jp_my_number),
    ("ke_pin", south::is_ke_pin),
    ("kr_rrn", asia::is_kr_rrn),
    ("kr_rrn_shaped", asia::is_kr_rrn_shaped),
    ("licence_plate", document::is_licence_plate),
    ("lu_matricule", europe::is_lu_matricule),
    ("luhn", scheme::is_luhn),
    ("lv_dated_code", nordic::is_lv_dated_code),
    ("lv_personal_code", nordic::is_lv_personal_code),
    ("mac_address", network::is_mac_address),
    ("machine_readable_zone", document::is_machine_readable_zone),
    ("mbi", health::is_mbi),
    ("mod11_10", scheme::is_mod_11_10),
    ("mod97", scheme::is_mod_97_10),
    ("mx_curp", americas::is_mx_curp),
    ("mx_rfc", americas::is_mx_rfc),
    ("my_nric", asia::is_my_nric),
    ("nl_bsn", europe::is_nl_bsn),
    ("no_national_id", nordic::is_no_national_id),
    ("npi", health::is_npi),
    ("nz_ird", south::is_nz_ird),
    ("nz_nhi", south::is_nz_nhi),
    ("payment_card", payment::is_payment_card),
    ("payment_card_regional", payment::is_regional_card),
    ("pe_ruc", americas::is_pe_ruc),
    ("person_name", person::is_person_name),
    ("phone_grouped", phone::is_grouped),
    ("phone_international", phone::is_international),
    ("phone_nanp", phone::is_north_american),
    ("phone_national", phone::is_national),
    ("pk_cnic", asia::is_pk_cnic),
    ("pl_document", east_europe::is_pl_document),
    ("pl_nip", east_europe::is_pl_nip),
    ("pl_pesel", east_europe::is_pl_pesel),
    ("postal_address", person::is_postal_address),
    ("private_ip", network::is_private_ip),
    ("pt_citizen_card", europe::is_pt_citizen_card),
    ("pt_nif", europe::is_pt_nif),
    ("public_ip", network::is_public_ip),
    ("ro_cnp", east_europe::is_ro_cnp),
    ("ru_inn", east_europe::is_ru_inn),
    ("ru_snils", east_europe::is_ru_snils),
    ("sa_identity_number", asia::is_sa_identity_number),
    ("se_personnummer", nordic::is_se_personnummer),
    ("sg_nric", asia::is_sg_nric),
    ("si_tax_number", east_europe::is_si_tax_number),
    ("th_identity_number", asia::is_th_identity_number),
    ("tr_identity_number", east_europe::is_tr_identity_number),
    ("tw_national_id", asia::is_tw_national_id),
    ("ua_tax_number", east_europe::is_ua_tax_number),
    ("us_ein", united_states::is_ein),
    ("us_itin", united_states::is_itin),
    ("us_ssn", united_states::is_ssn),
    ("uy_cedula", americas::is_uy_cedula),
    ("ve_rif", americas::is_ve_rif),
    ("verhoeff", scheme::is_verhoeff),
    ("vin", document::is_vin),
    ("za_id", south::is_za_id),
];

/// The check of that name. Called once per detector when the data is loaded.
pub(crate) fn identifier_named(name: &str) -> Option<Check> {
    CHECKS.iter().find(|(known, _)| *known == name).map(|(_, check)| *check)
}

/// Checks that say which country a number under a general label (`tax id`) may be of.
const NATIONAL: &[Check] = &[
    americas::is_ar_cuit,
    americas::is_br_cnpj,
    americas::is_br_cpf,
    americas::is_ca_sin,
    americas::is_cl_rut,
    americas::is_mx_curp,
    americas::is_mx_rfc,
    asia::is_cn_resident_id,
    asia::is_hk_identity_card,
    asia::is_id_nik,
    asia::is_il_identity_number,
    asia::is_in_aadhaar,
    asia::is_in_gstin,
    asia::is_in_pan,
    asia::is_kr_rrn,
    asia::is_my_nric,
    asia::is_sg_nric,
    asia::is_th_identity_number,
    asia::is_tw_national_id,
    east_europe::is_bg_egn,
    east_europe::is_cz_checked_birth_number,
    east_europe::is_hr_oib,
    east_europe::is_jmbg,
    east_europe::is_pl_nip,
    east_europe::is_pl_pesel,
    east_europe::is_ro_cnp,
    east_europe::is_tr_identity_number,
    europe::is_at_svnr,
    europe::is_be_national_number,
    europe::is_ch_ahv,
    europe::is_de_tax_id,
    europe::is_es_cif,
    europe::is_es_dni,
    europe::is_fr_nir,
    europe::is_gb_nino,
    europe::is_gb_utr,
    europe::is_ie_pps,
    europe::is_it_codice_fiscale,
    europe::is_it_vat,
    europe::is_nl_bsn,
    europe::is_pt_nif,
    nordic::is_baltic_personal_code,
    nordic::is_dk_checked_cpr,
    nordic::is_fi_hetu,
    nordic::is_is_kennitala,
    nordic::is_lv_dated_code,
    nordic::is_no_national_id,
    nordic::is_se_personnummer,
    south::is_au_tfn,
    south::is_nz_ird,
    south::is_za_id,
    united_states::is_ssn,
];

/// Whether some country's check passes.
fn any_national_id(value: &str) -> bool {
    value.bytes().filter(u8::is_ascii_digit).count() >= 5 && NATIONAL.iter().any(|is_valid| is_valid(value))
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
